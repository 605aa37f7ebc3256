// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * The text that ships with this program, the queries at the end of Newton's Opticks, and the models that learn to go on
 * with it.
 */
public final class ShippedText {

    /** The models, as {@link ShippedModels} has them. */
    public static final List<String> MODELS = List.of("charlm", "charlm-lstm");

    /** How many characters such a model sees. */
    public static final int LENGTH = 64;

    /** How much of the text is held out if nobody says. */
    public static final double HELD_OUT = 0.1;

    /** What the windows are, in words that follow a number. */
    public static final String ABOUT = "windows of " + LENGTH + " characters of Newton's Opticks";

    /** Training windows overlap, so that characters are seen behind more or fewer others. */
    private static final int TRAINING_STRIDE = LENGTH / 4;

    private static final String RESOURCE = "/io/backpack4j/cli/opticks/queries.txt";

    private ShippedText() {}

    /** Windows of the text's first part. */
    public static TextWindows training(double heldOut) {
        CharacterText text = read();
        return new TextWindows(text, 0, split(text, heldOut), LENGTH, TRAINING_STRIDE);
    }

    /** Windows of the text's last part, side by side. */
    public static TextWindows heldOut(double heldOut) {
        CharacterText text = read();
        return new TextWindows(text, split(text, heldOut), text.length(), LENGTH, LENGTH);
    }

    private static int split(CharacterText text, double heldOut) {
        return (int) Math.round(text.length() * (1 - heldOut));
    }

    private static CharacterText read() {
        try (InputStream stream = Objects.requireNonNull(ShippedText.class.getResourceAsStream(RESOURCE), RESOURCE)) {
            return CharacterText.of(new String(stream.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
