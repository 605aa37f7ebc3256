// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.train;

import io.backpack4j.cli.options.PositiveInteger;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.training.data.AugmentedSource;
import io.backpack4j.training.data.DataSource;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How images are changed anew in each epoch; held-out ones never are. */
final class AugmentationOptions {

    @Option(
            names = "--crop",
            paramLabel = "PIXELS",
            converter = PositiveInteger.class,
            description =
                    "Shift images by up to so many pixels along each axis, anew in each epoch: random crops of padded"
                            + " images.")
    private @Nullable Integer padding;

    @Option(names = "--flip", description = "Show half of the images in a mirror, anew in each epoch.")
    private boolean flips;

    /** Whether images are changed. */
    boolean isOn() {
        return padding != null || flips;
    }

    /** Refuses options that have no images to change. */
    void requireNone(String why) {
        if (isOn()) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION, "--crop and --flip change images, but %s.".formatted(why));
        }
    }

    /** The images, changed, or as they are. */
    DataSource augmented(DataSource images, long seed) {
        return isOn() ? new AugmentedSource(images, padding == null ? 0 : padding, flips, seed) : images;
    }
}
