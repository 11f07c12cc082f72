"""The command line: options, one call into the library, one line of advice. Knows every room."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import converters
from curate import __version__
from curate.engine import default_workers
from curate.errors import CurateError, InputError, MissingExtra

if TYPE_CHECKING:
    from curate.stage import Summary

OK, FINDINGS, USAGE, INTERRUPTED, BUG = 0, 1, 2, 130, 101

_OVERVIEW = """\
From hand photographs to a trained, evaluated keypoint network:

  curate convert 11khands|labelme|rhd|yolo-pose|coco|coco-wholebody SRC --out D
  curate crop D --out CROPS
  curate build CROPS --out SET --size 96 --keypoints 20
  curate qa SET --out QA
  curate train-baseline SET --out RUN
  curate evaluate RUN SET

Exit codes: 0 clean, 1 findings or something left out, 2 usage or input error, 101 a bug.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code. Data goes to stdout, everything else to stderr."""
    arguments = build_parser().parse_args(argv)
    try:
        code: int = arguments.run(arguments)
    except CurateError as error:
        print(f"curate {arguments.command}: {error}", file=sys.stderr)
        return USAGE
    except ImportError as error:
        if error.name in ("torch", "lightning", "tensorboard"):
            print(f"curate {arguments.command}: {MissingExtra('training', 'train')}", file=sys.stderr)
            return USAGE
        return _bug()
    except KeyboardInterrupt:
        print(f"curate {arguments.command}: stopped; the same command goes on from here", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except Exception:
        return _bug()
    return code


def build_parser() -> argparse.ArgumentParser:
    """The parser with every command."""
    parser = argparse.ArgumentParser(
        prog="curate", description=_OVERVIEW, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"hand-curate {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for add in COMMANDS.values():
        add(commands)
    return parser


def _command(
    commands: Any, name: str, run: Callable[[Any], int], summary: str, examples: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name,
        help=summary,
        description=summary,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(run=run)
    return parser


def _common(parser: argparse.ArgumentParser, *, workers: bool = True, overwrite: bool = True) -> None:
    group = parser.add_argument_group("common options")
    if workers:
        group.add_argument("--workers", type=_positive, default=default_workers(), metavar="N")
    if overwrite:
        group.add_argument("--overwrite", action="store_true", help="replace what stands at --out")
    group.add_argument("--json", action="store_true", help="print the result as one JSON object")
    group.add_argument("--quiet", action="store_true", help="no progress and no summary")


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a whole number from 1 on")
    return value


def _size(text: str) -> int | None:
    return None if text == "native" else _positive(text)


# convert ---------------------------------------------------------------------------------------------


def _convert(commands: Any) -> None:
    parser = _command(
        commands,
        "convert",
        _run_convert,
        "Bring a source into our schema.",
        "  curate convert 11khands 11k/ --out data/11k\n"
        "  curate convert labelme labels/ --images 11k/Hands --hand-info 11k/HandInfo.csv --out data/tagged\n"
        "  curate convert rhd RHD_published_v2 --out data/rhd\n\nformats:\n"
        + "\n".join(f"  {name:15s} {what}" for name, (_, what) in converters.FORMATS.items()),
    )
    parser.add_argument("format", choices=list(converters.FORMATS), metavar="FORMAT", help="see below")
    parser.add_argument("source", type=Path, metavar="SRC", help="folder (or annotation file) of the source")
    parser.add_argument("--out", type=Path, required=True, metavar="D", help="dataset folder to make")
    parser.add_argument("--images", type=Path, metavar="DIR", help="a further folder to look for images in")
    parser.add_argument("--mapping", type=Path, metavar="YAML", help="the source's labels to ours (labelme)")
    parser.add_argument(
        "--hand-info",
        type=Path,
        metavar="CSV",
        help="join subject, side, aspect and metadata of 11k Hands' HandInfo.csv by image name",
    )
    parser.add_argument("--copy", action="store_true", help="copy the images instead of referring to them")
    parser.add_argument(
        "--no-probe",
        dest="probe",
        action="store_false",
        help="do not open each image's header (trusted sets)",
    )
    parser.add_argument(
        "--label-source", metavar="WHO", help="where the format does not tell: manual, render or auto:NAME"
    )
    parser.add_argument("--licence", metavar="TEXT", help="of the source, where the format does not tell")
    parser.add_argument("--limit", type=_positive, metavar="N", help="only the first N samples")
    _common(parser)


def _run_convert(a: argparse.Namespace) -> int:
    from curate.convert import convert
    from curate.source import Source

    if a.mapping and a.format != "labelme":
        raise InputError("--mapping", f"given with {a.format}", allowed="with labelme")
    enrich = None
    if a.hand_info:
        enrich = converters.load("11khands").enricher(a.hand_info)
    summary = convert(
        converters.load(a.format).read,
        a.format,
        Source(a.source, a.images, a.mapping),
        a.out,
        enrich=enrich,
        **_given(a, "copy probe label_source licence limit workers overwrite quiet"),
    )
    return _tell(a, summary, advice=f"next: curate crop {a.out} --out CROPS")


# export ----------------------------------------------------------------------------------------------


def _export(commands: Any) -> None:
    parser = _command(
        commands,
        "export",
        _run_export,
        "Write a dataset in another tool's format; says what that format cannot hold.",
        "  curate export data/tagged --to coco --out coco/\n"
        "  curate export data/tagged --to labelme --out labels/",
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    parser.add_argument("--to", required=True, choices=converters.writable(), metavar="FORMAT")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    _common(parser, workers=False)


def _run_export(a: argparse.Namespace) -> int:
    from curate.dataset import Dataset
    from curate.export import export

    result = export(
        Dataset(a.dataset),
        converters.load(a.to).write,
        a.to,
        a.out,
        **_given(a, "overwrite quiet"),
    )
    _print(a, result.as_json(), str(result))
    return OK


# crop and build --------------------------------------------------------------------------------------


def _background(commands: Any) -> None:
    parser = _command(
        commands,
        "background",
        _run_background,
        "Cut each hand out of its plain ground and put it before another; masks are kept.",
        "  curate background tagged --backgrounds white --out on-white\n"
        "  curate background tagged --backgrounds photos/ --seed 1 --out busy",
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument(
        "--backgrounds",
        default="white",
        metavar="white|noise|gradient|colour:#rrggbb|DIR",
        help="what to put behind the hands; of a folder, one picture a sample (default: white)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the choice of backgrounds")
    _common(parser)


def _run_background(a: argparse.Namespace) -> int:
    from curate.background import background

    summary = background(a.dataset, a.out, **_given(a, "backgrounds seed workers overwrite quiet"))
    return _tell(a, summary, advice=f"next: curate crop {a.out} --out CROPS")


def _crop(commands: Any) -> None:
    parser = _command(
        commands,
        "crop",
        _run_crop,
        "Cut each hand out of its photo; keypoints move along, the way back is kept.",
        "  curate crop data/11k --out data/crops\n  curate crop data/rhd --by keypoints --out data/rhd-crops",
    )
    parser.add_argument("dataset", type=Path, metavar="D")
    parser.add_argument("--out", type=Path, required=True, metavar="CROPS")
    parser.add_argument(
        "--by", choices=["colour", "keypoints", "mask", "bbox"], default="colour", help="default: colour"
    )
    parser.add_argument(
        "--margin", type=float, default=0.1, help="share of the hand's box added on each side"
    )
    parser.add_argument(
        "--size", type=_positive, default=256, help="largest side of a crop, px (default 256)"
    )
    _common(parser)


def _run_crop(a: argparse.Namespace) -> int:
    from curate.crop import crop

    summary = crop(
        a.dataset,
        a.out,
        **_given(a, "by margin size workers overwrite quiet"),
    )
    return _tell(a, summary, advice=f"next: curate build {a.out} --out SET --size 96")


def _build(commands: Any) -> None:
    parser = _command(
        commands,
        "build",
        _run_build,
        "Make a training set of one size from one or more datasets, split by subject.",
        "  curate build crops --out set96 --size 96 --keypoints 20\n"
        "  curate build crops rhd-crops --out set128 --size 128 --keypoints 21 --colour",
    )
    parser.add_argument("datasets", type=Path, nargs="+", metavar="D")
    parser.add_argument("--out", type=Path, required=True, metavar="SET")
    parser.add_argument("--size", type=int, choices=[96, 128], default=96)
    parser.add_argument("--keypoints", type=int, choices=[20, 21], default=20, help="20: without the wrist")
    parser.add_argument("--colour", action="store_true", help="keep colour (default: grey)")
    parser.add_argument("--sigma", type=float, default=5.0, help="of the heatmaps, px (default 5)")
    parser.add_argument(
        "--split",
        default=None,
        metavar="subject|source|CSV",
        help="by subject, as the source says, or from a list (sample_id, subject_id or image, and split); "
        "default: as the source says where it does for every sample, else by subject",
    )
    parser.add_argument("--test", type=float, default=0.1, help="share of the test split (default 0.1)")
    parser.add_argument("--val", type=float, default=0.0, help="share of the validation split (default 0)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--store-heatmaps",
        choices=["float32", "float16", "uint16", "uint8-peak1"],
        help="also write heatmaps.npy; a type that would destroy the maps is refused",
    )
    _common(parser)


def _run_build(a: argparse.Namespace) -> int:
    from curate.build import build

    summary = build(
        a.datasets,
        a.out,
        colour="colour" if a.colour else "grey",
        **_given(a, "size keypoints sigma split test val seed store_heatmaps workers overwrite quiet"),
    )
    return _tell(
        a, summary, advice=f"next: curate qa {a.out} --out QA; curate train-baseline {a.out} --out RUN"
    )


# qa --------------------------------------------------------------------------------------------------


def _qa(commands: Any) -> None:
    parser = _command(
        commands,
        "qa",
        _run_qa,
        "Check datasets or a training set: findings for machines, report.html for people.",
        "  curate qa set96 --out qa96\n  curate qa data/tagged --out qa-tagged --fail-on warning\n"
        "  curate qa --explain > qa.yaml",
    )
    parser.add_argument(
        "datasets", type=Path, nargs="*", metavar="D", help="datasets or training sets, looked at as one"
    )
    parser.add_argument("--out", type=Path, metavar="DIR")
    parser.add_argument(
        "--fail-on",
        choices=["error", "warning", "info", "never"],
        default="error",
        help="exit with 1 where a finding is at least this severe (default: error)",
    )
    parser.add_argument("--config", type=Path, metavar="YAML", help="other limits; see --explain")
    parser.add_argument(
        "--compare", type=Path, metavar="QA", dest="earlier", help="tell what is new since then"
    )
    parser.add_argument("--explain", action="store_true", help="print every check with its limits, as YAML")
    parser.add_argument("--seed", type=int, default=0, help="of the samples shown")
    _common(parser, overwrite=False)


def _run_qa(a: argparse.Namespace) -> int:
    if a.explain:
        from qa.config import explain

        print(explain(a.config), end="")
        return OK
    if not a.datasets or not a.out:
        raise InputError("curate qa", "no dataset or no --out", remedy="curate qa D --out DIR, or --explain")
    from qa.run import inspect

    summary = inspect(a.datasets, a.out, **_given(a, "fail_on config earlier seed workers quiet"))
    _print(a, summary.as_json(), str(summary))
    return FINDINGS if summary.failed else OK


def _review(commands: Any) -> None:
    parser = _command(
        commands,
        "review",
        _run_review,
        "A gallery to look through by hand, and what was decided in it.",
        "  curate review build tagged --qa qa-tagged --out review\n"
        "  curate review apply decisions.jsonl --dataset tagged --out tagged-2",
    )
    actions = parser.add_subparsers(dest="action", metavar="build|apply", required=True)
    build = actions.add_parser("build", help="write the gallery: open index.html by double click")
    build.add_argument("dataset", type=Path, metavar="D")
    build.add_argument("--qa", type=Path, required=True, metavar="QA", help="what curate qa wrote about it")
    build.add_argument("--out", type=Path, required=True, metavar="DIR")
    build.add_argument(
        "--anonymise", action="store_true", help="leave out who and which: ids, paths, messages"
    )
    build.add_argument(
        "--thumbnails-only",
        dest="originals",
        action="store_false",
        help="no links to the images themselves: the folder can be passed on by itself",
    )
    _common(build)
    apply = actions.add_parser("apply", help="make a new dataset of what was decided")
    apply.add_argument(
        "decisions", type=Path, nargs="+", metavar="DECISIONS", help="files that the page exported"
    )
    apply.add_argument("--dataset", type=Path, required=True, metavar="D")
    apply.add_argument("--out", type=Path, required=True, metavar="NEW")
    apply.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
    _common(apply)


def _run_review(a: argparse.Namespace) -> int:
    if a.action == "build":
        from qa.review import write_review

        given = _given(a, "originals anonymise workers overwrite quiet")
        summary = write_review(a.dataset, a.qa, a.out, **given)
        _print(a, summary.as_json(), str(summary))
        return OK
    from qa.decisions import apply_decisions

    given = _given(a, "dry_run workers overwrite quiet")
    applied = apply_decisions(a.dataset, a.decisions, a.out, **given)
    _print(a, applied.as_json(), str(applied))
    return FINDINGS if applied.failed else OK


# train, evaluate, predict ----------------------------------------------------------------------------


def _train(commands: Any) -> None:
    parser = _command(
        commands,
        "train-baseline",
        _run_train,
        "Train the reference CNN (figure 12, 12.1 million weights) on a training set.",
        "  curate train-baseline set96 --out run\n"
        "  curate train-baseline set96 --out paper --preset paper --max-minutes 20\n\n"
        "A killed training goes on from its last epoch when the same command is given again.",
    )
    parser.add_argument("training_set", type=Path, metavar="SET")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN")
    parser.add_argument("--preset", choices=["reference", "paper"], default="reference")
    parser.add_argument("--epochs", type=_positive, help="default: the preset's (reference 15, paper 300)")
    parser.add_argument("--max-minutes", type=float, help="stop at the end of the epoch that passes this")
    parser.add_argument("--batch", type=_positive, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--devices", default="auto", help="as Lightning understands them: auto, 1, 2, 0,1")
    _common(parser, workers=False)


def _run_train(a: argparse.Namespace) -> int:
    from curate.train import train

    result = train(
        a.training_set,
        a.out,
        **_given(a, "preset epochs max_minutes batch seed devices overwrite quiet"),
    )
    _print(a, result.as_json(), str(result))
    return OK


def _evaluate(commands: Any) -> None:
    parser = _command(
        commands,
        "evaluate",
        _run_evaluate,
        "Predict a split of a training set and measure: metrics, predictions.parquet and a page of pictures.",
        "  curate evaluate run set96\n  curate evaluate run set96 --json",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("training_set", type=Path, metavar="SET")
    parser.add_argument("--split", choices=["train", "val", "test"], default="test")
    parser.add_argument("--out", type=Path, metavar="DIR", help="default: RUN/evaluation-SPLIT")
    parser.add_argument("--json", action="store_true", help="print the metrics as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress and no summary")


def _run_evaluate(a: argparse.Namespace) -> int:
    from curate.evaluate import evaluate

    result = evaluate(a.run_folder, a.training_set, split=a.split, out=a.out, quiet=a.quiet)
    _print(a, result.as_json(), str(result))
    return OK


def _predict(commands: Any) -> None:
    parser = _command(
        commands,
        "predict",
        _run_predict,
        "Find the keypoints in photos: predictions.json, a dataset, and pictures with skeletons.",
        "  curate predict run photo.jpg --out found\n  curate predict run photos/ --out found --json",
    )
    parser.add_argument("run_folder", type=Path, metavar="RUN")
    parser.add_argument("inputs", type=Path, nargs="+", metavar="FILE", help="photos, folders or datasets")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    _common(parser, workers=False)


def _run_predict(a: argparse.Namespace) -> int:
    from curate.predict import predict

    result = predict(a.run_folder, a.inputs, a.out, overwrite=a.overwrite, quiet=a.quiet)
    _print(a, result.as_json(), str(result))
    return FINDINGS if result.unreadable else OK


# demo ------------------------------------------------------------------------------------------------


def _demo(commands: Any) -> None:
    parser = _command(
        commands,
        "demo",
        _run_demo,
        "All of it on drawn hands, in a few minutes, with nothing downloaded.",
        "  curate demo --out demo",
    )
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR")
    parser.add_argument("--photos", type=_positive, default=480, help="hands to draw (default 480)")
    parser.add_argument("--minutes", type=float, default=2.0, help="of training (default 2)")
    parser.add_argument("--seed", type=int, default=0)


def _run_demo(a: argparse.Namespace) -> int:
    from curate.demo import demo

    return demo(
        a.out,
        run=main,
        say=lambda line: print(line, file=sys.stderr, flush=True),
        photos=a.photos,
        minutes=a.minutes,
        seed=a.seed,
    )


COMMANDS: dict[str, Callable[[Any], None]] = {
    "convert": _convert,
    "export": _export,
    "background": _background,
    "crop": _crop,
    "build": _build,
    "qa": _qa,
    "review": _review,
    "train-baseline": _train,
    "evaluate": _evaluate,
    "predict": _predict,
    "demo": _demo,
}

# shared by the commands above ------------------------------------------------------------------------


def _tell(a: argparse.Namespace, summary: Summary, *, advice: str) -> int:
    lines = [
        f"{summary.samples} samples in {summary.out}" + (" (was finished before)" if summary.reused else "")
    ]
    lines += [f"  left out: {count} {_words(reason)}" for reason, count in summary.dropped.items()]
    if summary.quarantined:
        lines.append(f"  in quarantine: {summary.quarantined} inputs, see {summary.out / 'quarantine.jsonl'}")
    lines += [f"  note: {count} {_words(what)}" for what, count in summary.notes.items()]
    _print(a, summary.as_json(), "\n".join([*lines, advice] if summary.samples else lines))
    return FINDINGS if summary.samples == 0 or summary.dropped or summary.quarantined else OK


def _given(a: argparse.Namespace, names: str) -> dict[str, Any]:
    """Options that a function takes by the names that the command line gives them."""
    return {name: getattr(a, name) for name in names.split()}


def _words(name: str) -> str:
    return name.replace("_", " ") if name.isidentifier() else name


def _print(a: argparse.Namespace, data: dict[str, Any], text: str) -> None:
    if a.json:
        print(json.dumps(data, sort_keys=True))
    elif not a.quiet:
        print(text, file=sys.stderr)


def _bug() -> int:
    traceback.print_exc()
    print("curate: this is a bug in hand-curate; please report the lines above", file=sys.stderr)
    return BUG


if __name__ == "__main__":
    sys.exit(main())
