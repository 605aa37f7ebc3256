// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.formats.IdxFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/** The handwritten digits that ship with this program: the first of MNIST's training set. */
public final class ShippedDigits {

    private static final String FOLDER = "/io/backpack4j/cli/";

    private ShippedDigits() {}

    /** Images {@code [N, 28, 28]}. */
    public static IdxFile images() {
        return read("images-idx3-ubyte.gz");
    }

    /** One label per image. */
    public static IdxFile labels() {
        return read("labels-idx1-ubyte.gz");
    }

    private static IdxFile read(String name) {
        String resource = "mnist/" + name;
        try (InputStream stream =
                Objects.requireNonNull(ShippedDigits.class.getResourceAsStream(FOLDER + resource), resource)) {
            return IdxFile.read(stream, resource);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
