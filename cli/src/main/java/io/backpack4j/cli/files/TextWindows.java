// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.cli.files;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.training.data.ArraySource;
import io.backpack4j.training.data.HostTensor;

/**
 * Stretches of a text as samples: some neighbouring characters are the input, and at each of them the next one is the
 * target.
 */
public final class TextWindows {

    private final CharacterText text;
    private final int from;
    private final int length;
    private final int stride;
    private final int samples;

    /**
     * Takes the windows that fit into a part of a text, the last target included.
     *
     * @param from the first character
     * @param to behind the last one
     * @param length of a window
     * @param stride from one window's start to the next one's
     */
    TextWindows(CharacterText text, int from, int to, int length, int stride) {
        this.text = text;
        this.from = from;
        this.length = length;
        this.stride = stride;
        this.samples = to - from <= length ? 0 : (to - from - length - 1) / stride + 1;
    }

    /** How many there are. */
    public int samples() {
        return samples;
    }

    /** The characters that numbers stand for. */
    public String alphabet() {
        return text.alphabet();
    }

    /** The characters of a window, from which others are predicted. */
    public String input(int window) {
        return characters(start(window));
    }

    /** The characters that are to be predicted in a window: those one place further. */
    public String target(int window) {
        return characters(start(window) + 1);
    }

    private int start(int window) {
        return from + window * stride;
    }

    private String characters(int start) {
        return text.characters().substring(start, start + length);
    }

    /** All windows, inputs and targets {@code [N, length]}. */
    public ArraySource source() {
        return source(samples);
    }

    /** The first {@code count} windows. */
    public ArraySource source(int count) {
        long[] inputs = new long[count * length];
        long[] targets = new long[count * length];
        for (int i = 0; i < inputs.length; i++) {
            int place = start(i / length) + i % length;
            inputs[i] = text.code(place);
            targets[i] = text.code(place + 1);
        }
        Shape shape = Shape.of(count, length);
        return ArraySource.of(new HostTensor.Longs(shape, inputs), new HostTensor.Longs(shape, targets));
    }
}
