"""The figures of one run: a table for people, bench.json for programs."""

import json
import sys

COLUMNS = ("figure", "value", "unit", "baseline", "ratio", "target", "")
WIDTHS = (58, 9, 6, 9, 6, 9, 0)


def _number(value):
    if value is None:
        return "-"
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"


class Report:
    """Rows are printed as they come."""

    def __init__(self):
        self.rows = []
        self.broken = []

    def add(self, name, value, unit, baseline=None, target=None, least=False):
        """A figure; its target is a maximum unless `least`. Without a target it only informs."""
        ok = target is None or (value >= target if least else value <= target)
        self._row(name, value, unit, baseline, target, ok, least)

    def failed(self, name, error):
        """A measurement that could not be made."""
        self.broken.append(name)
        print(f"bench: {name}: {error}", file=sys.stderr)
        self._row(name, None, "", None, None, False, False)

    def _row(self, name, value, unit, baseline, target, ok, least):
        if not self.rows:
            print(_line(COLUMNS), flush=True)
        self.rows.append({"name": name, "value": value, "unit": unit, "baseline": baseline,
                          "target": target, "ok": ok})
        ratio = f"{value / baseline:.3f}" if value is not None and baseline else "-"
        limit = ("" if target is None else "≥ " if least else "≤ ") + _number(target)
        said = "" if ok and target is None else "ok" if ok else "MISSED" if value is not None \
            else "FAILED"
        print(_line((name, _number(value), unit, _number(baseline), ratio, limit, said)),
              flush=True)

    def note(self, text):
        """A line between the rows."""
        print(f"  {text}", flush=True)

    @property
    def missed(self):
        return [row["name"] for row in self.rows if not row["ok"]]

    def write(self, path):
        with open(path, "w", encoding="utf-8") as file:
            json.dump(self.rows, file, indent=1, ensure_ascii=False)
            file.write("\n")


def _line(values):
    first, *rest = (f"{value:<{width}}" if i in (0, 2) else f"{value:>{width}}"
                    for i, (value, width) in enumerate(zip(values, WIDTHS)))
    return "  ".join((first, *rest)).rstrip()
