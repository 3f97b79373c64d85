import pytest

from srntt import _compile


def test_read_only_installation_compiles_without_cache(monkeypatch: pytest.MonkeyPatch):
    def njit_without_a_folder(**options):
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(_compile, "njit", njit_without_a_folder)

    def double(x):
        return 2 * x

    assert _compile.compiled(double)(2) == 4
