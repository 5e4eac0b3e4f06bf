"""Whether a sentence of a sweep or of an ablation is true of what was planted; see `truths`."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
from scipy import stats

from alpacabench.scoring.arrays import Floats
from tests.helpers.planted import NOTHING
from tests.helpers.truths import MARGIN, Fields, Known, close, not_plain, number, saturated, shared_level

Truth = Callable[[Fields, Known], bool]


def _fact(name: str) -> Truth:
    """A sentence that stands only where a point made by hand plants it."""
    return lambda said, known: bool(known.facts.get(name))


def _effects(known: Known) -> list[float]:
    return [known.rate(name) - known.rate(known.names[0]) for name in known.names[1:]]


def _signs(said: str, known: Known) -> bool:
    """Return whether every setting that is named differs from the base in the direction that is told."""
    told = re.findall(r"(s=\d+) ([+−][\d.]+) \(", said)
    return bool(told) and all(
        np.sign(known.rate(name) - known.rate(known.names[0])) == np.sign(number(delta)) for name, delta in told
    )


def _some(said: Fields, known: Known) -> bool:
    effects = _effects(known)
    better, worse = sum(e > 0 for e in effects), sum(e < 0 for e in effects)
    return int(said.get("better", 0)) <= better and int(said.get("worse", 0)) <= worse


def _highest(said: Fields, known: Known) -> bool:
    means = dict(zip(known.names, known.shared.mean(axis=1), strict=True))
    return bool(means[said["top"]] >= max(means.values()) - 1e-9) and close(said["rate"], means[said["top"]] * 100)


def _separated(said: Fields, known: Known) -> bool:
    others = [known.rate(name) for name in known.names if name != said["top"]]
    return _highest(said, known) and known.rate(said["top"]) > max(others)


def _same(said: Fields, known: Known) -> bool:
    means = known.shared.mean(axis=1)
    leaders = [name for name, mean in zip(known.names, means, strict=True) if mean >= means.max() - 1e-9]
    told = leaders[:4] if "leaders" in said else list(known.names)
    listed = said["leaders"].split("; ")[:4] if "leaders" in said else leaders
    return listed == told and close(said["value"].rstrip("%"), means.max() * 100)


def _length(said: Fields, known: Known) -> bool:
    means = dict(zip(known.names, known.shared.mean(axis=1) * 100, strict=True))
    told = close(said["raw_rate"], means[said["raw"]]) and close(said["lc_raw"], means[said["lc"]])
    return (
        told and means[said["raw"]] >= max(means.values()) - 1e-9 and number(said["lc_rate"]) >= number(said["raw_lc"])
    )


def _uncomparable(said: Fields, known: Known) -> bool:
    return known.shared.shape[1] < 2 or bool(known.facts.get("no_base"))


def _lead(said: Fields, known: Known) -> bool:
    means = known.shared.mean(axis=1) * 100
    return close(said["lead"], means.max() - means.mean()) and number(said["chance"]) > 0


def _shrunken(said: Fields, known: Known) -> bool:
    means = known.shared.mean(axis=1) * 100
    return means.mean() - 0.06 <= number(said["shrunken"]) <= means.max() + 0.06


def _missed(said: Fields, known: Known) -> bool:
    names = [known.names.index(name) for name in re.findall(r"(s=\d+), p", said["named"])]
    return all(stats.ttest_ind(known.shared[i], known.shared[0]).pvalue > 0.03 for i in names)


def _none(said: Fields, known: Known) -> bool:
    return all(not_plain(known, 0, run) or len(known.names) > 10 for run in range(1, len(known.y)))


SWEEP: dict[str, Truth] = {
    "sweep.saturated": saturated, "sweep.saturated_shared": shared_level, "sweep.cannot_tell": saturated,
    "sweep.cannot_tell_shared": shared_level, "sweep.one_left": _fact("one_left"), "sweep.no_base": _uncomparable,
    "sweep.none": _none, "sweep.not_significant": _none,
    "sweep.better": lambda said, known: known.rate(said["label"]) > known.rate(known.names[0]),
    "sweep.worse": lambda said, known: known.rate(said["label"]) < known.rate(known.names[0]),
    "sweep.some_better": lambda said, known: _some({"better": said["found"]}, known),
    "sweep.some_worse": lambda said, known: _some({"worse": said["found"]}, known), "sweep.mixed": _some,
    "sweep.established": lambda said, known: _signs(said["named"], known), "sweep.unpaired": _missed,
    "sweep.violations": _fact("violations"), "sweep.power": lambda said, known: 0 < number(said["size"]) < 100,
    "sweep.identical": _fact("identical"), "sweep.stopped": _fact("stopped"),
    "sweep.failed": lambda said, known: int(said["failed"]) == known.facts.get("failed"),
    "best.race": lambda said, known: known.facts.get("race") == "stopped",
    "best.race_failed": lambda said, known: known.facts.get("race") == "failed", "best.alone": _fact("alone"),
    "best.all_same": _same, "best.same": _same, "best.uncompared": lambda said, known: known.shared.shape[1] < 2,
    "best.separated": _separated, "best.tied": _highest, "best.length": _length, "best.lead": _lead,
    "best.shrunken": _shrunken,
    "jobs.prompts": _fact("other_prompts"), "jobs.judges": _fact("judges"),
    "jobs.missing": lambda said, known: int(said["n"]) == int(np.isnan(known.y).sum()) > 0,
    "jobs.few": lambda said, known: known.shared.shape[1] < 2, "jobs.objective": _fact("objective"),
    "jobs.no_base": _fact("no_base"), "numerics.alone": lambda said, known: known.facts.get("numerics") == "alone",
    "numerics.unknown": lambda said, known: known.facts.get("numerics") == "unknown",
}  # fmt: skip


def _families(text: str) -> list[str]:
    return [name for name in re.split(r", | and ", text) if name]


def _effect(known: Known, family: str) -> float:
    """Return the largest true effect of a family's variants, in points."""
    effects = [known.rate(name) - known.rate("base") for name in known.names if name.startswith(family)]
    return max(effects, key=abs)


def _every(said: str, known: Known, holds: Callable[[float], bool]) -> bool:
    return all(holds(_effect(known, family)) for family in _families(said))


def _robust(said: Fields, known: Known) -> bool:
    variants = [name for name in known.names[1:] if not name.startswith("floor")]
    return known.planted.kind not in NOTHING and all(abs(_effect(known, name)) < MARGIN for name in variants)


def _decodes_alone(said: Fields, known: Known) -> bool:
    return bool(known.facts.get("decodes") or known.facts.get("effects"))


def _changed(said: Fields, known: Known) -> bool:
    return _effect(known, said["name"]) != 0 or bool(known.facts.get("flips"))


def _moved(said: Fields, known: Known) -> bool:
    return bool(np.sign(number(said["shift"])) == np.sign(_effect(known, said["name"])))


def _decodes(known: Known) -> Floats:
    y = known.y[[name == "base" or name.startswith("floor") for name in known.names]]
    return y[:, ~np.isnan(y).any(axis=0)]


def _left_out(said: Fields, known: Known) -> bool:
    variant = known.y[known.names.index(said["name"])]
    return int(said["known"]) == int((~np.isnan(known.y[0] + variant)).sum()) < 2


def _same_decodes(said: Fields, known: Known) -> bool:
    decodes = _decodes(known)
    return bool(np.all((decodes > 0.5) == (decodes[0] > 0.5)) and np.ptp(decodes.mean(axis=1)) < 1e-9)


def _judge_undecided(said: Fields, known: Known) -> bool:
    base = known.y[0][~np.isnan(known.y[0])]
    share = float(np.mean(np.abs(base - 0.5) < 0.05)) * 100
    return share > 50 and close(said.get("share") or said["undecided"], share, 0.51)


def _floor(said: Fields, known: Known) -> bool:
    decodes = _decodes(known) > 0.5
    pairs = [np.mean(decodes[a] != decodes[b]) for a in range(len(decodes)) for b in range(a)]
    return close(said["rate"].rstrip("%"), float(np.mean(pairs)) * 100) and int(said["decodes"]) == len(decodes)


def _robustness(said: Fields, known: Known) -> bool:
    value = 1 - (number(said["pss"]) - number(said["pss_decodes"])) / number(said["largest"])
    return close(said["value"], value, 0.01)


def _adds(said: Fields, known: Known) -> bool:
    return any(abs(_effect(known, name)) > 0 for name in known.names[1:] if not name.startswith("floor"))


ABLATION: dict[str, Truth] = {
    "ablation.saturated": saturated, "ablation.neither": saturated, "ablation.undecided": _judge_undecided,
    "ablation.sensitive": lambda said, known: _every(said["named"], known, lambda effect: effect != 0)
    or bool(known.facts.get("flips")),
    "ablation.robust": _robust, "ablation.none": lambda said, known: int(said["n"]) == known.planted.n,
    "ablation.effects": lambda said, known: _every(said["effects"], known, lambda effect: effect != 0)
    or bool(known.facts.get("flips")),
    "ablation.no_effect": _fact("effects"), "ablation.decodes": _fact("decodes"),
    "ablation.moves": _moved, "ablation.effect_moves": _moved,
    "ablation.flips": _changed, "ablation.effect_flips": _changed,
    "ablation.not_established": lambda said, known: _every(said["others"], known, lambda effect: abs(effect) < 40)
    or known.planted.n < 100,
    "ablation.within": lambda said, known: known.planted.kind not in NOTHING
    and _every(said["shown"], known, lambda effect: abs(effect) < MARGIN),
    "ablation.open": lambda said, known: bool(said["open"]), "ablation.not_shown": _fact("effects"),
    "chance.floor": _floor, "chance.robustness": _robustness, "chance.worst_adds": _adds,
    "chance.worst_unclear": lambda said, known: known.planted.n < 400 or not _robust_broken(known),
    "chance.worst_decodes": _decodes_alone, "chance.worst_unknown": _fact("no_floor"),
    "caution.undecided": _judge_undecided, "caution.perturbed": _fact("perturbed"),
    "caution.no_floor": _fact("no_floor"),
    "caution.unknown_floor": lambda said, known: _decodes(known).shape[1] < 2, "caution.zero_floor": _same_decodes,
    "caution.left_out": _left_out, "caution.differs": _fact("differs"),
    "caution.missing": lambda said, known: int(said["n"]) > 0 and bool(np.isnan(known.y).any()),
    "caution.dose": _fact("dose"),
}  # fmt: skip


def _robust_broken(known: Known) -> bool:
    return any(_effect(known, name) < -30 for name in known.names[1:])
