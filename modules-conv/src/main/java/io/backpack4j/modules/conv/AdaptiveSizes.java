// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.conv;

import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Sizes that adaptive pooling makes; null keeps an axis as it is. */
final class AdaptiveSizes {

    private AdaptiveSizes() {}

    static List<@Nullable Long> copy(String type, List<@Nullable Long> sizes) {
        for (Long size : sizes) {
            if (size != null && size < 1) {
                throw ModuleChecks.invalid(
                        type, "output_size", sizes, "at least 1, or null to keep a size, for every axis");
            }
        }
        return Collections.unmodifiableList(new ArrayList<>(sizes));
    }

    static List<@Nullable Long> each(int axes, long... sizes) {
        return new ArrayList<>(Spatial.each(axes, sizes));
    }

    /** {@code [C, *out]} of {@code [C, *in]}. */
    static Shape output(Module module, List<@Nullable Long> sizes, Shape sample) {
        Shape output = sample;
        for (int axis = 0; axis < sizes.size(); axis++) {
            if (sample.size(axis + 1) < 1) {
                throw ModuleChecks.mismatch(
                        module, "pools axis %d of samples of shape %s, which is empty.".formatted(axis + 2, sample));
            }
            Long size = sizes.get(axis);
            output = size == null ? output : output.with(axis + 1, size);
        }
        return output;
    }
}
