"""Links name the port at which the database is shown."""

from __future__ import annotations

from pathlib import Path

from alpacabench.tracking import uri
from alpacabench.tracking.links import comparison, remember_port, run_page, ui_port


def test_links_follow_the_port_that_the_pages_were_shown_at(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path}/mlflow.db"
    assert str(run_page(where, "1", "r")).startswith("http://127.0.0.1:5000/#/")
    remember_port(where, 5003)
    assert str(run_page(where, "1", "r")).startswith("http://127.0.0.1:5003/#/")
    assert str(comparison(where, "1", ["a", "b"])).startswith("http://127.0.0.1:5003/#/compare-runs")
    for odd in ("", "x", "-1", "99999", "5000@evil"):
        (tmp_path / "mlflow.db.port").write_text(odd)
        assert ui_port(where) == 5000
    assert str(run_page("http://user:pw@host:81/", "1", "r")).startswith("http://host:81/#/")


def test_databricks_registry_is_refused_by_its_name_and_has_no_prompts() -> None:
    for given, remedy in (("databricks-uc", "give 'databricks';"), ("databricks-uc://me", "give 'databricks://me';")):
        (problem,) = uri.check(given)
        assert "Databricks' model registry" in problem.what and remedy in problem.remedy
    assert not list(uri.check("databricks")) and not list(uri.check("databricks://me"))
