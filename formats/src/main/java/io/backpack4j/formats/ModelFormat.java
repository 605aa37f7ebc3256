// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.Catalog;
import io.backpack4j.kernel.LossDescription;
import io.backpack4j.kernel.Model;
import io.backpack4j.spi.NamedService;
import io.backpack4j.spi.Plugin;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Reads and writes models of another format than this library's own, with their numbers. Plugins bring it as one of
 * their {@link Plugin#services}; it is found by the ending of a file's name. May be called from any thread.
 */
public interface ModelFormat extends NamedService {

    /** What lists and messages call services of this kind. */
    String KIND = "model format";

    @Override
    default String kind() {
        return KIND;
    }

    /** The ending of its files' names, such as {@code .onnx}, in lower case. */
    String ending();

    /** Whether a file is of this format, by its name. */
    default boolean isFormatOf(Path file) {
        return String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT).endsWith(ending());
    }

    /**
     * Reads a model. Numbers may be read when they are asked for.
     *
     * @param catalog the modules there are
     * @param loss the loss that the model gets; {@link LossDescription#NONE} if it only predicts
     * @throws io.backpack4j.spi.BackpackException with all that cannot be read or has no counterpart
     */
    ForeignModel read(Path file, Catalog catalog, LossDescription loss);

    /**
     * Writes a model with its numbers, as a whole or not at all. What stands there is replaced. The loss is left out.
     *
     * @throws io.backpack4j.spi.BackpackException with all that has no counterpart, or if the file cannot be written
     */
    void write(Path file, Model model);
}
