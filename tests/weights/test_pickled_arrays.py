"""Pickles of arrays: what comes out, what is refused, and that damaged ones end in a ModelError."""

import pickle
import struct
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from srntt.errors import ModelError
from srntt.weights import PickledArray, read_arrays

_DTYPE = b"cnumpy\ndtype\nX\x02\0\0\0f4K\0K\x01\x87R"


def _objects(*arrays):
    objects = np.empty(len(arrays), object)
    objects[:] = arrays
    return objects


@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_come_as_float32_in_order(protocol):
    arrays = [np.arange(6, dtype=np.float32).reshape(2, 3), np.linspace(0, 1, 4), np.asfortranarray(np.eye(3, 2))]
    found = read_arrays(pickle.dumps(_objects(*arrays), protocol=protocol))
    assert isinstance(found, PickledArray)
    for item, expected in zip(found.content, arrays, strict=True):
        assert item.content.dtype == np.float32
        np.testing.assert_array_equal(item.content, expected.astype(np.float32))


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (b"cos\nsystem\n.", r"asks for os\.system.*nothing was run\. Allowed: _codecs\.encode, numpy"),
        (b"\x80\x04X\x05\0\0\0posixX\x06\0\0\0system\x93.", r"asks for posix\.system"),
        (b"}.", "pickle opcode EMPTY_DICT"),
        (b"\x80\x02cnumpy\ndtype\n)\x81.", "pickle opcode NEWOBJ"),
        (b"Nr\xff\xff\xff\x7f.", "gaps in its memo"),
        (b"N" * 200_002 + b".", "more than 200000 opcodes"),
        (b"cnumpy\ndtype\n(NNtb.", "damaged"),  # BUILD on what find_class gives
        (b"c_codecs\nencode\n(NNtb.", "damaged"),
        (_DTYPE + b")R.", "damaged"),  # an instance is not to be called
        (pickle.dumps(np.ones(3, np.float32), protocol=5), r"pickle opcode|_frombuffer"),
    ],
)
def test_other_programs_are_refused_in_words(program, message):
    with pytest.raises(ModelError, match=message):
        read_arrays(program)


def test_one_state_given_to_many_arrays_is_refused():
    size = 1 << 16
    dtype = _DTYPE + b"(K\x03X\x01\0\0\0<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\0tb"
    data = b"B" + struct.pack("<I", 4 * size) + bytes(4 * size)
    state = b"(K\x01J" + struct.pack("<i", size) + b"\x85" + dtype + b"\x89" + data + b"tq\x01a"
    array = b"cnumpy.core.multiarray\n_reconstruct\nq\x02a" + b"h\x02)Rh\x01ba" * 50
    with pytest.raises(ModelError, match="multiplies its content by copying"):
        read_arrays(b"\x80\x03]" + state + array + b".")


def test_one_text_encoded_many_times_is_refused():
    text = b"X" + struct.pack("<I", 1 << 20) + b"a" * (1 << 20)
    start = b"\x80\x02]c_codecs\nencode\nq\x00a" + text + b"q\x01aX\x06\0\0\0latin1q\x02a"
    with pytest.raises(ModelError, match="multiplies its content by copying"):
        read_arrays(start + b"h\x00h\x01h\x02\x86Ra" * 50 + b".")


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_damaged_pickles_end_in_model_errors(data):
    whole = pickle.dumps(_objects(np.ones((2, 3), np.float32), np.zeros(2)), protocol=data.draw(st.integers(2, 4)))
    damaged = bytearray(whole[: data.draw(st.integers(0, len(whole)))])
    for _ in range(data.draw(st.integers(0, 3))):
        if damaged:
            damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ModelError):  # no other error
        read_arrays(bytes(damaged))
