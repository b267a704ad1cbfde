"""Makes the pictures of the gallery: ``python docs/gallery``, after the examples have run.

Most examples train for minutes, too long for a build of the guide. So one picture of each, of those
that it wrote to ``runs/examples``, is kept here as a small WebP. Examples whose pictures are not
there keep the ones that they have.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

from PIL import Image

HERE = Path(__file__).resolve().parent
PICTURES = {
    "01_sliding_window_vs_fully_convolutional": "labels.png",
    "02_full_resolution_vs_down_and_up": "labels.png",
    "03_four_upsamplings": "numbers.png",
    "04_fcn_32s_16s_8s": "scene.png",
    "05_max_unpooling_keeps_edges": "borders.png",
    "06_detection_as_regression": "several_objects.png",
    "07_sliding_window": "3_detections.png",
    "08_region_proposals": "3_proposals.png",
    "09_rcnn": "overview.png",
    "10_spp_net": "overview.png",
    "11_fast_rcnn": "overview.png",
    "12_faster_rcnn": "jointly_and_by_turns.png",
    "13_roi_pool_vs_roi_align": "1_misalignment.png",
    "14_fpn_levels": "overview.png",
    "15_mask_rcnn": "overview.png",
    "16_pose_as_heatmaps": "2_skeletons.png",
    "17_svm_vs_softmax": "2_boundaries.png",
    "18_localization": "1_best_to_worst.png",
    "19_pose_cascade": "1_stages.png",
    "20_transfer": "1_curve.png",
    "21_four_autoencoders": "1_four_autoencoders.png",
    "22_inside_a_code": "1_plane.png",
    "23_uses_of_autoencoders": "1_denoising.png",
    "24_gan_on_points": "1_game.png",
    "25_dcgan": "2_samples.png",
    "26_what_goes_wrong": "1_mode_collapse.png",
    "27_checkerboards": "2_reconstructions.png",
}
WIDTH = 1000  # of a picture, at most, in pixels
MOST = 55_000  # bytes of one: all together stay below 1.5 MB


def main() -> None:
    parser = argparse.ArgumentParser(prog="python docs/gallery", description=__doc__.split("\n")[0])
    default = Path("runs/examples")
    parser.add_argument("--runs", type=Path, default=default, help=f"default: {default}")
    options = parser.parse_args()
    for example, name in PICTURES.items():
        found = sorted((options.runs / example).glob(f"*{name}"))  # of stages, with their number
        if found:
            data = small(Image.open(found[0]))
            (HERE / f"{example}.webp").write_bytes(data)
            print(f"{example}: {found[0].name}, {len(data):,} bytes")


def small(picture: Image.Image) -> bytes:
    """The picture as WebP of at most ``MOST`` bytes, as good as that allows."""
    picture = picture.convert("RGB")
    if picture.width > WIDTH:
        height = round(picture.height * WIDTH / picture.width)
        picture = picture.resize((WIDTH, height), Image.Resampling.LANCZOS)
    for quality in range(82, 10, -12):
        data = io.BytesIO()
        picture.save(data, "WEBP", quality=quality)
        if data.tell() <= MOST:
            break
    return data.getvalue()


if __name__ == "__main__":
    main()
