"""Read the data out of a pickle without unpickling it.

A pickle is a program for a stack machine that can call anything; Python's own reader runs it. The reader below knows
only the steps that plain data needs, and calls only what the caller gives it in place of the functions that weight
files name. Any other name or step ends it. Only the converters of foreign weights use this; models never do.
"""

import io
import pickletools
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, Protocol, runtime_checkable

from srntt.errors import ModelError

_MAX_STEPS = 200_000
_MAX_GROWTH = 4  # bytes made of each byte read: text that stands for bytes, and float64 kept as float32, stay below
#: What stands for each (module, name) that the pickle may call. It gets hostile arguments: lists, tuples, dicts of
#: anything, nested without end.
Allowed = Mapping[tuple[str, str], Callable[..., Any]]


@runtime_checkable
class Buildable(Protocol):
    """A stand-in for an object whose state comes apart from its construction.

    Attributes:
        nbytes: what it holds since it was built.
    """

    nbytes: int

    def build(self, state: Any) -> None:
        """Take the state; raise ModelError, or anything, if it is not as expected."""
        ...


def read_pickle(content: bytes, allowed: Allowed, persistent: Callable[[Any], Any] | None = None) -> tuple[Any, int]:
    """The object of the pickle that `content` starts with, and the number of bytes it takes.

    Args:
        content: bytes, which may go on after the pickle.
        allowed: stand-ins.
        persistent: stand-in for what a persistent id refers to, where the format has those.

    Raises:
        ModelError: it names something that is not allowed, has a step that data does not need, is too long, or is
            damaged. The caller adds which file it was.
    """
    stream = io.BytesIO(content)
    machine = _Machine(allowed, persistent, _MAX_GROWTH * len(content))
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
            if count > _MAX_STEPS:
                raise ModelError(f"a pickle of more than {_MAX_STEPS} steps, more than weights need: refused.")
            machine.step(opcode.name, argument)
        return machine.result(), stream.tell()
    except ModelError:
        raise
    except Exception as error:  # a damaged program fails in any way it likes
        raise ModelError(f"damaged: its pickle ends in {type(error).__name__}.") from error


class Named:
    """An allowed function on the stack, so that nothing else there can be called."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


class _Machine:
    def __init__(self, allowed: Allowed, persistent: Callable[[Any], Any] | None, most: int) -> None:
        self._allowed, self._persistent, self._left = allowed, persistent, most
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:
        (result,) = self._stack
        return result

    def step(self, name: str, argument: Any) -> None:
        push, pop = self._stack.append, self._stack.pop
        match name:
            case "PROTO" | "FRAME" | "STOP":
                pass
            case "NONE" | "NEWTRUE" | "NEWFALSE":
                push({"NONE": None, "NEWTRUE": True, "NEWFALSE": False}[name])
            case "BININT" | "BININT1" | "BININT2" | "LONG1":
                push(argument)
            case "BINUNICODE" | "SHORT_BINUNICODE" | "BINSTRING" | "SHORT_BINSTRING" | "BINBYTES" | "SHORT_BINBYTES":
                push(argument)
            case "EMPTY_TUPLE" | "EMPTY_LIST" | "EMPTY_DICT":
                push({"EMPTY_TUPLE": (), "EMPTY_LIST": [], "EMPTY_DICT": {}}[name])
            case "MARK":
                self._marked.append(self._stack)
                self._stack = []
            case "TUPLE":
                self._push(tuple(self._since_mark()))
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                push(tuple([pop() for _ in range(int(name[-1]))][::-1]))
            case "APPEND" | "APPENDS":
                items = [pop()] if name == "APPEND" else self._since_mark()
                self._top(list).extend(items)
            case "SETITEM" | "SETITEMS":
                items = [pop(), pop()][::-1] if name == "SETITEM" else self._since_mark()
                self._set_items(items)
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = self._stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = self._stack[-1]
            case "BINGET" | "LONG_BINGET":
                push(self._memo[argument])
            case "GLOBAL":
                push(self._find(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                attribute, module = pop(), pop()
                push(self._find(module, attribute))
            case "REDUCE":
                arguments, function = pop(), pop()
                push(self._call(function, arguments))
            case "BUILD":
                state = pop()
                self._build(state)
            case "BINPERSID" if self._persistent is not None:
                push(self._persistent(pop()))
            case _:
                raise ModelError(f"the pickle step {name}, which weights do not need: refused, and nothing was run.")

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _since_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._marked.pop()
        return items

    def _top(self, kind: type) -> Any:
        top = self._stack[-1]
        return top if type(top) is kind else _refuse_step()

    def _set_items(self, items: list[Any]) -> None:
        # Only text for keys: the hash of nested tuples can take for ever.
        keys = items[::2]
        if not all(type(key) is str for key in keys):
            _refuse_step()
        self._top(dict).update(zip(keys, items[1::2], strict=True))

    def _find(self, module: Any, name: Any) -> Named:
        if type(module) is not str or type(name) is not str:
            _refuse_step()
        if (module, name) not in self._allowed:
            known = ", ".join(sorted(".".join(key) for key in self._allowed))
            raise ModelError(
                f"it asks for {module[:80]}.{name[:80]}, which weights do not need: refused, and nothing "
                f"was run. Allowed are {known}."
            )
        return Named(self._allowed[module, name])

    def _call(self, function: Any, arguments: Any) -> Any:
        if type(function) is not Named or type(arguments) is not tuple:
            _refuse_step()
        result = function.function(*arguments)
        if isinstance(result, bytes):
            self._take(len(result))
        return result

    def _build(self, state: Any) -> None:
        top = self._stack[-1]
        if isinstance(top, Buildable):
            top.build(state)
            self._take(top.nbytes)
        elif type(top) is not dict:  # the attributes of an OrderedDict are of no interest
            _refuse_step()

    def _take(self, count: int) -> None:
        """What is remembered can be copied any number of times: a small file would fill the memory."""
        self._left -= count
        if self._left < 0:
            raise ModelError("a pickle that makes more than it holds, by copying: refused.")


def _refuse_step() -> NoReturn:
    raise ModelError("a pickle that does with objects what weights do not need: refused, and nothing was run.")
