"""Videos: which frames become samples, with which times, and what is wrong with a file."""

from __future__ import annotations

import base64
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from converters import video
from converters.table import Frames
from curate.basics import images, videos
from curate.basics.errors import InputError
from curate.build import build
from curate.convert import convert
from curate.data.dataset import Dataset
from curate.data.source import Source
from curate.data.stage import Summary

SIZE = (96, 64)


def film(path: Path, pictures: Sequence[Any], *, rate: float = 10, codec: str = "mp4v") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = pictures[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*codec), rate, (width, height))
    for picture in pictures:
        writer.write(picture)
    writer.release()
    return path


def level(grey: int) -> Any:
    return np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)


LEVELS = [level(20 * i) for i in range(10)]
# Two frames of FFmpeg's test picture, 32 x 32 px, as interlaced MPEG-2: OpenCV writes none.
INTERLACED = (
    "c-oV4y}x*|Q(GgW({~{L)X3uWxsk)EsUtVBq$s~QJJG2fDAd}>BoW+@&d2})O#1|VXO|q<-xByRWt;Er?%>reqMj?$g4Z-Igz&"
    "^d)@1{EXMA_}0C_?ohtq@CG%*@OxH7@Jfs##3i{3y?V+dxTJ^;CA+5VQ!>pv!IUEkQu@8say(BhL=mKN>^rd&EZ96}&UL5_X2z"
    "h&8mxgzUeF1p^xSbVetY8K<1Mh2y=bDB%@QaTzL+S<e7eFI$GjhY)7l^-{^FeODXJea(pQDIl3!mLKdxs9Bm8(KnlHZq33Yh-|"
    "Vk%@r;6biTYw^UzGaVjppn0%l+8DT;Ci8-!|+g<&f{asvxT-y7AE=*R)El5o_D$7hs%}+nE&~<T#OK6Z|h^N1wOZ#L411m7nGq"
    "5m#00w#IZKaM}`&*KZ|GN0RkzujJnMMYN2B6uSnHUs=|Nnm=0c39#X<`7oh;au42ZI9xh{ON?2S}#>|K|pf1mo|DB*{u1yL&-K"
    "SNDF|bor80^voMtKOGXcUz;3!bKd&4qJ7MdW309A$7tH``ah>l@>@;m5`)_hD<!t57w4ZixtnjH{Ts=K8Q1x&fTl71uA1_UmzO"
    "cR^}Z61*;kcINwIG=w3ln&ZCu!qE}hihE%8d?$?s}`!}%@BZ}&fo_fTVdW|cBIpub{i+wyNOvNxF5c%}9f)hyo7$e_Uhc5nFq-"
    "ym;oZIp*P_*XXre*)uGZ-zHFKsNqb!B8G_;0`F2P2b;gr|G8t?*7e<4BNYasrzFS<D?IboB)M~1^W"
)
# Eight of its frames, ten a second, as H.264 in AVI with two B-frames between others.
REORDERED = (
    "c-jl{baV5PU|?_z^HlKh3=XjnVqnNfDauJK%gnG~U|?9##>fBz0-OvC98fkyRDeMNNGdR30+3k`1Q-~KONw%U7;IKqW=gS#k(m"
    "jyI*>VBP&UZy9YFja2w?IGKnT>IrU7JYK<!ch>yuyro5h1^w^yj2w*=5`7AW7qASIb$6pVsVFbYP&C>RB!U=)mkQ7{Td!6+C7B"
    "MOui6cxB2@j>Gc3JkDu1x6$`LL7$C0cfm&1*kATB{v6%GJcHUa0P|M59ZPIH3~+-NCcoU-!foXn44dg2^w?V0TE_QPhsF%bJH`"
    "2#eso=nE^<!G9T$oZ2(DSynf)T(+y;#cC;|uKg-J0e(2bXimz|fS7;S+{@?WR<@Pz5hhECmUwWdKA3y09?<K>g`hV}8)j9;8do"
    "fHYn0Au=DQ7*$>)D6h4)R1XY3VopGFVW4=>LiO0Hz}Iy^CG)8QrBdytG3qmDe(aG0$;O{C`e1)2n3S@|edHKZb~3$d!IrS>d!`"
    "t$ui<O5f)R4<4sI{{K&5srPY^`$eGccbui1<5GX6oZ)`QdN*h33m`cjnA|+aik|<^WRb-f=Otyi)jw$fi7CR(Nb_9bm@(6b<NQ"
    "r+gDVX!JG#%eO13}l@2{9w2_B*5g`3#oDyWnGq>%yD%%vbR8$n`%a5I+!&CCIrdAgAyGo`{16s8~*0t}GR?;Q+?(eEQbEP}*;0"
    "K_~<{4Z#H4q!|wBJquYd|o8J2P3Nb7$6_yG61`ezq|"
)
# Ten of its frames in Matroska, six at ten a second, then four at two.
UNEVEN = (
    "c-oV4y}x*|Q(GgW({~{L)X3uWxsk)EsUtVBq$s~QJJG2fDAd}>BoW+@&d2})%-;lkXO|q<-*Wtva<cF4?%>reqMj?$g4Z-Igz&"
    "^d)@1{EXMA_}0C_?ohtq@CG%;pCxH7@Jfs#$kx86WZV+dxTJ^;CA+5VR0PdR>TUEkQu@8say(BhL=mKN>^rd&EZ9F_!tm4Y1WF"
    "b(J#+jHyIL7mioy^*o_Xb03V#yO1)N?YeNm*%B(G%~dHhsFB_xVoF@dj|XKJBB$oH!><eZf;@y`jFwlgbj@fyBZZ{H8O>6XbIi"
    "f$Qb&rkpbpWCI*J&MQa#S7`XmFWDrjW(ra#d=CC*bLzDqXureR%Ol@FfV9R*@z*ndH?~fl0prE_Hzs2{*o6E(;=aLU}CnFq{eq"
    "yHU;&xX*XMY#hAeZ(Yptq70ax#-DjLb~ZPb_p@+~E=$<QU@V@8{A!*}%XGgpBme44{BP-g#T8lfeEK{;Jz^o;NZqcG%v?z|a6R"
    "d3|a}3*-N*v5hks^3KUOAFF>RtA69??K>}Oif@^*dQTR=S$+Dy_-R*zy1g~?uV^paZS~E;f5V#@>n6)A{;}8Wap8;5O@$L0b4q"
    "*Uf93t0IY04_M9_+BvoA|HyuY~5@!pejKEjbHuUI{Eg{NOjcfG2<Z1IDuC-1EFdaJtadSjQiQiwVKJComM-<+^LUH*UX&m)UsE"
    "NWj=c;|m#_2BRpNuk3oOBS^5vU#-A{@lJDs$X~iU)<lwkOB%4cE?$YIq~Zo7SC#AH~|t6a-8L4qc~Z!_5UG%JLi3W7aw>Ilw;I"
    "^$|ZX~<W~!3`hST1#XZ?KzrHP=*T^^loFp7)wZP>3x9n;-XePb$$o$WX=QlEb0m+Ly&RPnS=lo~k&Mx`*{f!6z8W(SFWPSlspz"
    "S#87)(Lr-=&3SyYm)1b9UMb?B%*%6Z5*5bxp#IB0t~j2hW^4xOiP7>m86LHOE=c!J3%=9}WCDT{O$_*3)?tZ!Wd}u>INIey$DN"
    "CjQIrr!_8K-^hLeq+Z=|HV4F#{ijU-O^6BECN}d@j{SyrbK3Pc>xX;&f1rEf)T!sQ7q4#QJOa|7>^NH!q9Om1%4H6nTK5w-bd;"
    "9gf2CWrI`yBD#8<(*Goai#eSgcMOZyM*?%&+Vu)PadDtv5WJo2HD695LareX"
)


def run(source: Path, out: Path, **own: Any) -> tuple[Summary, Dataset]:
    summary = convert(video.read, "video", Source(source), out, own=Frames(**own), quiet=True)
    return summary, Dataset(out)


def greys(made: Dataset) -> list[int]:
    """Which of LEVELS each sample shows."""
    return [round(float(made.read_image(sample).mean()) / 20) for sample in made]


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "MJPG")])
def test_each_frame_is_a_sample_of_its_clip(tmp_path: Path, name: str, codec: str) -> None:
    film(tmp_path / "v" / "day 1" / name, LEVELS, codec=codec)
    (tmp_path / "v" / "notes.txt").write_text("taken on a Monday")
    summary, made = run(tmp_path / "v", tmp_path / "out")
    samples = list(made)
    assert [s.sample_id for s in samples] == [f"video/day 1/{name}/{i:06d}" for i in range(10)]
    assert [(s.clip, s.frame) for s in samples] == [(f"day 1/{name}", i) for i in range(10)]
    assert [s.attrs["seconds"] for s in samples] == pytest.approx([i / 10 for i in range(10)], abs=0.001)
    assert {(s.width, s.height) for s in samples} == {SIZE}
    assert greys(made) == list(range(10))
    assert not any(s.visibility.any() for s in samples)
    assert summary.notes == {"file that is no video": 1}
    assert not summary.quarantined


@pytest.mark.parametrize(("name", "codec"), [("a.mp4", "mp4v"), ("a.avi", "MJPG")])
def test_colours_are_those_of_the_video(tmp_path: Path, name: str, codec: str) -> None:
    red = np.full((SIZE[1], SIZE[0], 3), (20, 40, 220), np.uint8)  # blue, green, red, as OpenCV writes
    _, made = run(film(tmp_path / name, [red] * 2, codec=codec), tmp_path / "out")
    assert made.read_image(made[0]).mean((0, 1)) == pytest.approx([220, 40, 20], abs=6)


def test_a_last_frame_that_is_not_there_is_counted(tmp_path: Path) -> None:
    path = film(tmp_path / "a.avi", LEVELS, codec="MJPG")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.rfind(b"\xff\xd8\xff")])  # where the last JPEG begins
    not_held = list[int]()
    assert len(list(videos.frames(path, not_held.append))) == 9
    assert not_held == [1]
    summary, made = run(path, tmp_path / "out")
    assert greys(made) == list(range(9))
    assert summary.notes == {"frame that a video counts and does not hold": 1}
    assert not summary.quarantined


def test_every_nth_frame(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", LEVELS)
    _, made = run(path, tmp_path / "out", every=4)
    assert [s.frame for s in made] == [0, 4, 8]
    assert greys(made) == [0, 4, 8]


def test_the_sharpest_of_every_n(tmp_path: Path) -> None:
    sharp = np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8)
    blurred = cv2.GaussianBlur(sharp, (0, 0), 3)
    path = film(tmp_path / "a.avi", [blurred, sharp, blurred, blurred, blurred, sharp, sharp], codec="MJPG")
    _, made = run(path, tmp_path / "out", every=4, sharpest=True)
    assert [s.frame for s in made] == [1, 5]


def test_frames_that_look_alike_are_left_out_and_counted(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", [level(g) for g in (50, 50, 52, 80, 81, 50)])
    summary, made = run(path, tmp_path / "out", different=5)
    assert [s.frame for s in made] == [0, 3, 5]
    assert summary.notes == {"frame like the one before, left out": 3}


def test_a_video_that_is_stored_turned_stands_upright(tmp_path: Path) -> None:
    half = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    half[:, : SIZE[0] // 2] = 255  # its left side is white; turned by 90 degrees clockwise, its upper side
    path = film(tmp_path / "a.mp4", [half] * 3)
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44  # the matrix of ISO/IEC 14496-12, 8.3.2, in a box of version 0
    data[at : at + 36] = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    _, made = run(path, tmp_path / "out")
    sample = made[0]
    picture = made.read_image(sample)
    assert (sample.width, sample.height) == SIZE[::-1]
    assert picture[: SIZE[0] // 2 - 4].mean() > 200
    assert picture[SIZE[0] // 2 + 4 :].mean() < 50


def shown_by(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """A film whose file says that its pictures are shown by a, b, c and d of a matrix."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("matrix", "bright"),  # a, b, c and d of the file; the quarter that is white, of the stored upper left
    [((-1, 0, 0, 1), "upper right"), ((1, 0, 0, -1), "lower left"), ((0, 1, 1, 0), "upper left")],
)
def test_a_video_that_is_stored_mirrored_is_shown_as_it_was_seen(
    tmp_path: Path, matrix: tuple[int, int, int, int], bright: str
) -> None:
    quarter = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    quarter[: SIZE[1] // 2, : SIZE[0] // 2] = 255
    path = shown_by(film(tmp_path / "a.mp4", [quarter] * 3), matrix)
    _, made = run(path, tmp_path / "out")
    picture = made.read_image(made[0])
    height, width = picture.shape[:2]
    assert (width, height) == (SIZE if matrix[0] else SIZE[::-1])
    halves = {"upper": picture[: height // 2 - 4], "lower": picture[height // 2 + 4 :]}
    quarters = {
        f"{name} {side}": float(part.mean())
        for name, half in halves.items()
        for side, part in (("left", half[:, : width // 2 - 4]), ("right", half[:, width // 2 + 4 :]))
    }
    assert {name for name, value in quarters.items() if value > 200} == {bright}
    assert sorted(quarters.values())[-2] < 50


def with_pixels(path: Path, wide: int, high: int) -> Path:
    """A film whose file says that its pixels are so wide and so high (`pasp`, ISO/IEC 14496-12, 12.1.4)."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"mp4v") - 4  # of the description of the pictures, not of the file's head
    end = at + int.from_bytes(data[at : at + 4])
    data[end:end] = struct.pack(">I4sII", 16, b"pasp", wide, high)
    for box in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"stsd", b"mp4v"):
        size = data.rindex(box, 0, end) - 4
        data[size : size + 4] = struct.pack(">I", int.from_bytes(data[size : size + 4]) + 16)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("pixel", "matrix", "size"),
    [
        ((4, 3), (1, 0, 0, 1), (128, 64)),
        ((1, 2), (1, 0, 0, 1), (96, 128)),
        ((4, 3), (0, 1, -1, 0), (64, 128)),
        ((4, 3), (0, 1, 1, 0), (64, 128)),
        ((1, 1), (1, 0, 0, 1), SIZE),
    ],
)
def test_a_video_whose_pixels_are_not_square_is_not_squeezed(
    tmp_path: Path, pixel: tuple[int, int], matrix: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    path = shown_by(with_pixels(film(tmp_path / "a.mp4", LEVELS[:3]), *pixel), matrix)
    _, made = run(path, tmp_path / "out")
    assert {(sample.width, sample.height) for sample in made} == {size}
    assert made.read_image(made[0]).shape == (size[1], size[0], 3)


def test_a_video_with_pixels_of_no_sensible_shape_is_quarantined(tmp_path: Path) -> None:
    film(tmp_path / "v" / "good.mp4", LEVELS[:2])
    with_pixels(film(tmp_path / "v" / "odd.mp4", LEVELS[:2]), 2000, 1)
    _, made = run(tmp_path / "v", tmp_path / "out")
    assert [entry["input"] for entry in made.quarantine()] == ["odd.mp4"]
    assert "a pixel aspect ratio of 2000 : 1; allowed" in made.quarantine()[0]["reason"]
    assert len(made) == 2


def test_an_interlaced_video_that_does_not_decode_is_told(tmp_path: Path) -> None:
    film(tmp_path / "v" / "good.mp4", LEVELS[:2])
    (tmp_path / "v" / "fields.mkv").write_bytes(zlib.decompress(base64.b85decode(INTERLACED)))
    _, made = run(tmp_path / "v", tmp_path / "out")
    shown = [made.read_image(sample) for sample in made if sample.clip == "fields.mkv"]
    if shown:  # older versions of OpenCV decode it
        assert not np.array_equal(shown[0], shown[1])
    else:
        assert [entry["input"] for entry in made.quarantine()] == ["fields.mkv"]
        assert "cannot be decoded, as happens with an interlaced video" in made.quarantine()[0]["reason"]
        assert "yadif" in made.quarantine()[0]["reason"]
    assert sum(sample.clip == "good.mp4" for sample in made) == 2


def test_frames_that_have_no_time_of_their_own_follow_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.avi").write_bytes(zlib.decompress(base64.b85decode(REORDERED)))
    _, made = run(tmp_path / "a.avi", tmp_path / "out")
    times = [sample.attrs["seconds"] for sample in made]
    assert np.diff(times) == pytest.approx([0.1] * 7, abs=0.001)


def test_a_video_of_a_variable_rate_is_whole(tmp_path: Path) -> None:
    (tmp_path / "a.mkv").write_bytes(zlib.decompress(base64.b85decode(UNEVEN)))
    summary, made = run(tmp_path / "a.mkv", tmp_path / "out")
    assert [s.attrs["seconds"] for s in made] == [0, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 1.5, 2, 2.5]
    assert not made.quarantine()
    assert not summary.notes


def test_a_video_whose_first_frame_comes_late_is_whole(tmp_path: Path) -> None:
    """Ten frames, 0.1 s each, of which the file shows the first at 0.2 s."""
    path = film(tmp_path / "a.mkv", LEVELS, codec="MJPG")
    data = bytearray(path.read_bytes())
    told = data.index(b"\x44\x89\x88") + 3  # Duration, ms (RFC 9559)
    assert struct.unpack_from(">d", data, told) == (1000,)
    struct.pack_into(">d", data, told, 1200)
    data[data.index(b"\xe7\x81\x00", told) + 2] = 200  # Timestamp of the only Cluster
    path.write_bytes(data)
    summary, made = run(path, tmp_path / "out")
    assert greys(made) == list(range(10))
    assert [s.attrs["seconds"] for s in made] == pytest.approx([i / 10 for i in range(10)], abs=0.001)
    assert not made.quarantine()
    assert not summary.notes
    struct.pack_into(">d", data, told, 1600)  # four more are promised
    path.write_bytes(data)
    _, made = run(path, tmp_path / "short")
    assert "ends after 10 of 14 frames; those are kept" in made.quarantine()[0]["reason"]


def test_what_an_edit_of_a_video_cut_off_is_not_missed(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mp4", LEVELS)
    data = bytearray(path.read_bytes())
    ticks, of_film = (int.from_bytes(data[data.index(box) + 16 :][:4]) for box in (b"mvhd", b"mdhd"))
    at, header = data.index(b"elst") + 12, data.index(b"tkhd") + 24  # ISO/IEC 14496-12, 8.6.6 and 8.3.2
    data[at : at + 8] = struct.pack(">Ii", ticks * 6 // 10, of_film * 4 // 10)
    data[header : header + 4] = struct.pack(">I", ticks * 6 // 10)
    path.write_bytes(data)
    summary, made = run(path, tmp_path / "out")
    assert greys(made) == [4, 5, 6, 7, 8, 9]
    assert not made.quarantine()
    assert not summary.notes


def test_a_clip_is_never_in_two_splits(tmp_path: Path) -> None:
    for i in range(6):
        film(tmp_path / "v" / f"{i}.mp4", LEVELS)
    run(tmp_path / "v", tmp_path / "out")
    build([tmp_path / "out"], tmp_path / "set", quiet=True)
    splits = {(s.clip, s.split) for s in Dataset(tmp_path / "set")}
    assert len(splits) == len({clip for clip, _ in splits})


def test_a_file_that_is_no_video_is_quarantined(tmp_path: Path) -> None:
    film(tmp_path / "v" / "good.mp4", LEVELS[:2])
    noise = list(np.random.default_rng(0).integers(0, 255, (10, SIZE[1], SIZE[0], 3), np.uint8))
    whole = film(tmp_path / "cut.avi", noise, codec="MJPG").read_bytes()
    (tmp_path / "v" / "cut.avi").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "v" / "torn.mp4").write_bytes((tmp_path / "v" / "good.mp4").read_bytes()[:600])
    (tmp_path / "v" / "list.mkv").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/passwd\n")
    images.write(tmp_path / "a.png", LEVELS[0])
    (tmp_path / "v" / "still.mov").write_bytes((tmp_path / "a.png").read_bytes())
    (tmp_path / "v" / "link.mp4").symlink_to(tmp_path / "cut.avi")
    summary, made = run(tmp_path / "v", tmp_path / "out")
    told = {entry["input"]: entry["reason"] for entry in made.quarantine()}
    assert told.keys() == {"cut.avi", "torn.mp4", "list.mkv", "still.mov", "link.mp4"}
    assert "of 10 frames; those are kept" in told["cut.avi"]
    assert told["torn.mp4"].startswith("a video that is damaged, or that has no picture that can be decoded")
    assert "if it plays elsewhere: ffmpeg" in told["torn.mp4"]
    assert "begins with b'#EXTM3U\\n'" in told["list.mkv"]
    assert "leads out of the source folder" in told["link.mp4"]
    assert [s.frame for s in made if s.clip == "good.mp4"] == [0, 1]
    assert 0 < sum(s.clip == "cut.avi" for s in made) < 10
    assert summary.quarantined == 5


@pytest.mark.parametrize("lost", [0, 2, 10, 3001])
def test_a_program_stream_that_was_cut_off_is_told(tmp_path: Path, lost: int) -> None:
    noise = list(np.random.default_rng(0).integers(0, 255, (40, SIZE[1], SIZE[0], 3), np.uint8))
    path = tmp_path / "v" / "a.mpg"
    path.parent.mkdir()
    writer = cv2.VideoWriter(str(path), cv2.CAP_FFMPEG, cv2.VideoWriter.fourcc(*"mpg1"), 25, SIZE)
    for picture in noise:
        writer.write(picture)
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size - lost])
    summary, made = run(tmp_path / "v", tmp_path / "out")
    assert len(made) > 10
    told = [entry["reason"] for entry in made.quarantine()]
    kept = f"cut off: ends within a packet, after {len(made)} frames; those are kept"
    assert told == ([kept] if lost else [])
    assert summary.quarantined == bool(lost)


def test_a_video_is_one_clip_whatever_links_lead_to_it(tmp_path: Path) -> None:
    film(tmp_path / "v" / "b.mp4", LEVELS[:2])
    (tmp_path / "v" / "a.mp4").symlink_to("b.mp4")
    summary, made = run(tmp_path / "v", tmp_path / "out")
    assert [(s.clip, s.frame) for s in made] == [("b.mp4", 0), ("b.mp4", 1)]
    assert summary.notes == {"the same file as another": 1}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    os.mkfifo(tmp_path / "v" / "a.mp4")
    film(tmp_path / "v" / "b.mp4", LEVELS[:1])
    _, made = run(tmp_path / "v", tmp_path / "out")
    assert len(made) == 1
    assert made.quarantine()[0]["input"] == "a.mp4"


def test_a_folder_without_videos_is_no_source(tmp_path: Path) -> None:
    (tmp_path / "v").mkdir()
    (tmp_path / "v" / "a.txt").touch()
    with pytest.raises(InputError, match=r"no video in it; allowed: \.avi"):
        run(tmp_path / "v", tmp_path / "out")


def test_a_video_whose_name_is_no_text_is_set_aside(tmp_path: Path) -> None:
    unnamed = os.fsdecode(b"caf\xe9.mp4")
    film(tmp_path / "a.mp4", LEVELS[:1]).rename(tmp_path / unnamed)
    (tmp_path / "v").mkdir()
    (tmp_path / unnamed).rename(tmp_path / "v" / unnamed)
    with pytest.raises(InputError, match=r"no video in it that can be used; caf\\udce9\.mp4: .*; rename it"):
        run(tmp_path / "v", tmp_path / "out")
    film(tmp_path / "v" / "b.mp4", LEVELS[:1])
    _, made = run(tmp_path / "v", tmp_path / "out")
    assert [sample.clip for sample in made] == ["b.mp4"]
    assert made.quarantine() == [
        {
            "input": "caf\\udce9.mp4",
            "reason": "a file name with control characters or invalid UTF-8; rename it",
        }
    ]


def test_a_path_that_is_no_text_is_neither_read_nor_written(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"caf\xe9.mp4")
    film(tmp_path / "a.mp4", LEVELS[:1]).rename(path)
    with pytest.raises(InputError, match="a file name with control characters or invalid UTF-8"):
        videos.promised(path)
    with pytest.raises(InputError, match="a file name with control characters or invalid UTF-8"):
        videos.write(path, LEVELS[:1], [0.0])


def test_damaged_frames_are_patched_up_alike_each_time(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wide = cv2.GaussianBlur(rng.integers(0, 256, (128, 300, 3), np.uint8), (0, 0), 2)
    path = film(tmp_path / "a.mp4", [np.ascontiguousarray(wide[:, 3 * i : 3 * i + 192]) for i in range(12)])
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") + 1000
    for place in rng.integers(at, at + len(content) * 3 // 5, 12):
        content[place] ^= 0xFF
    path.write_bytes(content)
    seen = {b"".join(frame.pixels.tobytes() for frame in _until_it_ends(path)) for _ in range(20)}
    assert len(seen) == 1


def _until_it_ends(path: Path) -> Iterator[videos.Frame]:
    with suppress(InputError):
        yield from videos.frames(path)
