"""The names of exo2micro, as a notebook uses them."""

from __future__ import annotations

import warnings

import pytest

import e2m.exo2micro as exo2micro


def test_the_cells_of_a_notebook_run(demo, tmp_path, capsys):
    sample, dye = demo.task()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        exo2micro._told = False
        run = exo2micro.SampleDye(sample=sample, dye=dye, output_dir=tmp_path / "processed", raw_dir=demo.raw)
        exo2micro.SampleDye(sample, dye)
    assert [warning.category for warning in said] == [exo2micro.Exo2microDifference]
    run.set_params(pad=200, boundary_width=20, scale_percentile=50.0)
    assert run.non_default_params(stage=1) == {"pad": 200}
    run.status()
    assert "[ ] stage 1: to do" in capsys.readouterr().out
    result = run.run(to_stage=4)
    assert result["status"] == "complete" or result["status"].startswith("suspect"), result
    assert set(result) == {
        "sample", "dye", "scale_estimate", "scale_percentile_value", "manual_scale", "status",
    }  # fmt: skip
    assert result["scale_estimate"] > 0 and result["scale_percentile_value"] > 0
    names = {path.name for path in (tmp_path / "processed" / sample / dye / "tiff").iterdir()}
    assert "04_difference_difference_pad200_bw20_sp50.tiff" in names
    assert "04_difference_difference_percentile_p50_pad200_bw20_sp50.tiff" in names
    assert exo2micro.params_from_suffix("_pad200_bw20_sp50") == run.non_default_params()

    run.set_params(manual_scale=1.42)
    result = run.run(from_stage=4, to_stage=4, force=True)
    assert result["manual_scale"] == 1.42
    run.status()
    assert "[x] stage 4: there" in capsys.readouterr().out
    compared = run.compare("scale_percentile", [40.0, 60.0])
    assert [value for value, _ in compared] == [40.0, 60.0]
    assert compared[0][1]["scale_percentile_value"] < compared[1][1]["scale_percentile_value"]
    assert run.params["scale_percentile"] == 50.0
    with pytest.raises(ValueError, match="there is no parameter"):
        run.set_params(boundary_widht=3)
    run.reset_params()
    assert run.params == exo2micro.DEFAULTS


def test_a_batch_answers_for_each_pair(demo, tmp_path, capsys):
    samples = sorted({sample for sample, _ in demo.tasks})
    dyes = sorted({dye for _, dye in demo.tasks})
    results = exo2micro.run_batch(
        samples=[*samples, "absent"],
        dyes=dyes,
        parallel=True,
        n_workers=2,
        params={"pad": 200},
        output_dir=tmp_path / "out",
        raw_dir=demo.raw,
        to_stage=4,
    )
    assert [(result["sample"], result["dye"]) for result in results] == [
        (sample, dye) for dye in dyes for sample in [*samples, "absent"]
    ]
    by_name = {(result["sample"], result["dye"]): result for result in results}
    for pair in demo.tasks:
        assert by_name[pair]["scale_estimate"] is not None, by_name[pair]
        image = "tiff/04_difference_difference_pad200.tiff"
        ours = tmp_path / "out" / pair[0] / pair[1] / image
        assert ours.read_bytes() == (demo.processed / pair[0] / pair[1] / image).read_bytes()
    for dye in dyes:
        assert by_name["absent", dye]["status"].startswith("error: ")
    printed = capsys.readouterr().out
    assert all(sample in printed for sample in samples)


def test_nothing_there_is_an_error_for_each(tmp_path):
    results = exo2micro.run_batch(["A"], ["DAPI"], raw_dir=tmp_path / "none", output_dir=tmp_path / "out")
    assert len(results) == 1 and results[0]["status"].startswith("error: ")
    run = exo2micro.SampleDye("A", "DAPI", tmp_path / "out", tmp_path / "none")
    assert run.run()["status"].startswith("error: ")


def test_what_is_elsewhere_says_where():
    with pytest.raises(AttributeError, match="e2m serve"):
        _ = exo2micro.launch
    with pytest.raises(AttributeError, match="pipeline_output"):
        _ = exo2micro.plot_excess_heatmap
    with pytest.raises(ImportError):
        from e2m.exo2micro import register_highorder  # noqa: F401
    with pytest.raises(AttributeError, match="no attribute"):
        _ = exo2micro.nothing
