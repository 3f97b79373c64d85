"""Shapes as types: annotations such as ``Float[Tensor, "3 h w"]`` are checked at run time by jaxtyping and beartype in
the tests.

jaxtyping is a development dependency. Without it, these names stand for the bare array type.

=====  =======================================================
axis   meaning
=====  =======================================================
b      batch
c      channels
h, w   height and width of a map (on the LR grid unless stated)
H, W   height and width of the output, or of an HR reference
n      query positions
m      key positions
=====  =======================================================
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # type checkers recognise Annotated by its import only
    from typing import Annotated as Bool
    from typing import Annotated as Complex
    from typing import Annotated as Float
    from typing import Annotated as Int
    from typing import Annotated as Int64
    from typing import Annotated as Shaped
    from typing import Annotated as UInt8
else:
    try:
        from jaxtyping import Bool, Complex, Float, Int, Int64, Shaped, UInt8
    except ModuleNotFoundError:

        class _Unchecked:
            def __class_getitem__(cls, item: tuple) -> type:
                return item[0]

        Bool = Complex = Float = Int = Int64 = Shaped = UInt8 = _Unchecked

__all__ = ["Bool", "Complex", "Float", "Int", "Int64", "Shaped", "UInt8"]
