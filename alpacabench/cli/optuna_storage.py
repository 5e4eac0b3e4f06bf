"""The database in which Optuna keeps the trials of a search: `hydra.sweeper.storage`."""

from __future__ import annotations

from pathlib import Path

from omegaconf import DictConfig

from alpacabench.core.errors import ConfigError, Problem

KEY = "hydra.sweeper.storage"


def prepare_storage(config: DictConfig) -> None:
    """Note the version of Optuna's tables in a new database, where the sweeper has one.

    Optuna 2.10, which Hydra's sweeper asks for, notes it itself, without committing: under SQLAlchemy 1 that was
    enough, and under SQLAlchemy 2 its first look at the database then fails.

    Raises:
        ConfigError: the database cannot be opened.

    """
    from sqlalchemy.exc import SQLAlchemyError

    url = config.hydra.sweeper.get("storage")
    if not isinstance(url, str) or "://" not in url:
        return
    try:
        _note_version(url)
    except (SQLAlchemyError, OSError, ImportError, ValueError) as error:
        what = f"cannot be opened ({str(error).splitlines()[0]})"
        remedy = "give sqlite:///DIR/optuna.db in a directory that can be written, or a database server that answers"
        raise ConfigError([Problem(KEY, what, remedy)]) from error


def _note_version(url: str) -> None:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from optuna import storages
    from sqlalchemy import create_engine, make_url

    if url.startswith("sqlite:///") and (file := make_url(url).database):
        Path(file).absolute().parent.mkdir(parents=True, exist_ok=True)
    scripts = Config()
    folder = Path(storages.__file__).parent / "_rdb" / "alembic"
    scripts.set_main_option("script_location", str(folder).replace("%", "%%"))
    engine = create_engine(url)
    try:
        with engine.begin() as connection:
            context = MigrationContext.configure(connection)
            if context.get_current_revision() is None:
                script = ScriptDirectory.from_config(scripts)
                context.stamp(script, str(script.get_current_head()))
    finally:
        engine.dispose()
