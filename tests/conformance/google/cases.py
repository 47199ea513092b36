"""A table of named cases and what holds them: shared by the Python scripts of this folder."""
import sys
import traceback


class Cases:
    """Collects cases by decorator and runs them all; a failing one does not stop the others."""

    def __init__(self, client):
        self.client, self.all = client, []

    def __call__(self, name):
        def take(function):
            self.all.append((name, function))
            return function
        return take

    def run(self, world, only=""):
        failed = 0
        chosen = [(name, function) for name, function in self.all if only in name]
        for name, function in chosen:
            try:
                function(world)
            except Exception as error:  # whatever a library or a check throws is a failed case
                failed += 1
                where = traceback.extract_tb(error.__traceback__)[1:2]
                line = f" (line {where[0].lineno})" if where else ""
                print(f"FAILED {self.client}: {name}{line}: {type(error).__name__}: {str(error)[:600]}")
        print(f"{self.client}: {len(chosen)} cases, {failed} failed")
        sys.exit(1 if failed or not chosen else 0)


def same(got, want, what=""):
    if got != want:
        raise AssertionError(f"{what or 'it'} is {got!r}, not {want!r}")


def holds(condition, what):
    if not condition:
        raise AssertionError(what)


def has(got, want, what=""):
    """Every key of `want`, also deeper, is in `got` with that value."""
    for key, value in want.items():
        if key not in got:
            raise AssertionError(f"{what}.{key} is missing in {got!r}")
        if isinstance(value, dict) and isinstance(got[key], dict):
            has(got[key], value, f"{what}.{key}")
        else:
            same(got[key], value, f"{what}.{key}")


def raises(kind, call, check=lambda error: None):
    try:
        call()
    except kind as error:
        check(error)
        return error
    raise AssertionError(f"no {kind.__name__} was raised")
