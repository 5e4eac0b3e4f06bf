"""What is made for a run or a sweep before it begins, taken back where nothing ran: a plan, or a refused command."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from omegaconf import DictConfig


@dataclass
class Footprint:
    """A part of the call's context. What stood before is left as it was, whoever it belongs to."""

    _directory: Path = Path()
    _absent: list[Path] = field(default_factory=list)
    """Files and directories that did not exist, the innermost first."""
    _written: dict[Path, bytes] = field(default_factory=dict)
    """Configurations that existed, with what they held: Hydra writes them anew."""

    def before_run(self, config: DictConfig) -> None:
        """Note what is there before Hydra makes a run's directory."""
        from hydra.core.hydra_config import HydraConfig

        HydraConfig.instance().set_config(config)  # the directory's name may be made of it
        hydra, own = config.hydra, [f"{config.hydra.job.name}.log"]
        if hydra.output_subdir is not None:
            folder = str(hydra.output_subdir)
            own += [*(f"{folder}/{name}.yaml" for name in ("config", "hydra", "overrides")), folder]
        self._note(Path(str(hydra.run.dir)), own)

    def before_sweep(self, config: DictConfig) -> None:
        """Note what is there before a sweep's directory is made."""
        self._note(Path(str(config.hydra.sweep.dir)), ())

    def _note(self, directory: Path, own: Sequence[str]) -> None:
        self._directory = directory = directory.absolute()
        files = [directory / name for name in own]
        self._written = {path: path.read_bytes() for path in files if path.suffix == ".yaml" and path.is_file()}
        self._absent = [path for path in (*files, directory, *directory.parents) if not path.exists()]

    def undo(self) -> None:
        """Put everything back; a new directory that holds anything else by now was begun, and stays as it is."""
        known = {*self._absent, *self._written}
        if self._directory in self._absent and not {*self._directory.rglob("*")} <= known:
            return
        # What cannot be put back is no reason to hide why the command was refused.
        for path, content in self._written.items():
            with suppress(OSError):
                path.write_bytes(content)
        for path in self._absent:
            with suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)
