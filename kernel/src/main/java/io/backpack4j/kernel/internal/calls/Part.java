// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.calls;

import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Module;
import java.util.function.Supplier;

/**
 * A plugin's part in a pass, for messages. Every pass makes many, and hardly any has something to say: words are joined
 * when somebody wants them.
 *
 * @param words say what it is
 * @param code the class of what is called
 */
public record Part(Supplier<String> words, Class<?> code) {

    /** A part whose words are there, such as {@code node 'conv1' (Conv2d)}. */
    public Part(String who, Class<?> code) {
        this(() -> who, code);
    }

    /** Says what it is. */
    public String who() {
        return words.get();
    }

    /** A node, by its name. */
    public static Part of(String node, Module module) {
        return new Part("node '" + node + "' (" + module.type() + ")", module.getClass());
    }

    public static Part of(Loss loss) {
        return new Part(() -> "loss " + loss.type(), loss.getClass());
    }

    public static Part of(Extension<?> extension) {
        return new Part(() -> "extension " + extension.type(), extension.getClass());
    }

    /** A signal at a loss; what the loss itself does wrong is reported as the loss's. */
    public static Part of(Signal signal, Loss loss) {
        return new Part(() -> "signal '" + signal.name() + "' of loss " + loss.type(), signal.getClass());
    }

    /** A curvature matrix at a loss; what the loss itself does wrong is reported as the loss's. */
    public static Part of(CurvatureMatrix matrix, Loss loss) {
        return new Part(() -> "the " + matrix.name() + " of loss " + loss.type(), matrix.getClass());
    }

    /** Jar or directory of the code. */
    public String location() {
        return CodeLocation.of(code);
    }
}
