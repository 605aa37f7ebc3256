// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;

/** Names of files that are written: what a name promises is what is in the file. */
public final class FileNames {

    private FileNames() {}

    /**
     * Refuses a name that promises something else than what is written.
     *
     * @param option the option that names the file
     * @param what such as {@code Results are written as safetensors}
     * @param extensions the possible ones, the usual one first
     */
    public static void requireExtension(String option, Path file, String what, String... extensions) {
        String name = String.valueOf(file.getFileName()).toLowerCase(Locale.ROOT);
        if (Arrays.stream(extensions).noneMatch(name::endsWith)) {
            throw new BackpackException(
                    CommonProblems.INVALID_OPTION,
                    "%s names '%s'. %s: name a file that ends in '%s'."
                            .formatted(option, file, what, String.join("' or '", extensions)));
        }
    }
}
