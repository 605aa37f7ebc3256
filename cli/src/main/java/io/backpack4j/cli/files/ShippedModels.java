// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.formats.ModelFile;
import io.backpack4j.kernel.ModelDescription;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/** The models that ship with this program, as model files. */
public final class ShippedModels {

    private static final String FOLDER = "/io/backpack4j/cli/";

    private ShippedModels() {}

    public static ModelDescription read(String name) {
        String resource = "problems/" + name + ".json";
        try (InputStream stream =
                Objects.requireNonNull(ShippedModels.class.getResourceAsStream(FOLDER + resource), resource)) {
            return ModelFile.parse(new String(stream.readAllBytes(), StandardCharsets.UTF_8), resource);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
