// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.module.Mode;

/**
 * The arguments that all recurrent layers have.
 *
 * <p>Sequences are {@code [N, T, input_size]}, the output {@code [N, T, directions · hidden_size]}. Further inputs may
 * give the initial states, {@code [N, num_layers · directions, hidden_size]} each, forward before reverse in every
 * layer. With {@code lengths} the last input is INT64 {@code [N]}: outputs are 0 behind a sequence's end, where the
 * reverse direction starts, as those of PyTorch's packed sequences; a length of 0 means no step at all.
 *
 * @param inputSize the size of an input at a step
 * @param hiddenSize the size of a state
 * @param numLayers how many layers stand on each other
 * @param bias whether there are biases
 * @param dropout the probability with which inputs of all layers but the first are set to zero in training
 * @param bidirectional whether a second direction goes from the last step to the first
 * @param lengths whether the last input says how long sequences are
 * @param mode whether dropout drops
 */
public record RecurrentOptions(
        long inputSize,
        long hiddenSize,
        long numLayers,
        boolean bias,
        double dropout,
        boolean bidirectional,
        boolean lengths,
        Mode mode) {

    /** One layer in one direction, with biases. */
    public RecurrentOptions(long inputSize, long hiddenSize) {
        this(inputSize, hiddenSize, 1, true, 0, false, false, Mode.TRAIN);
    }

    /** The same in a mode. */
    public RecurrentOptions inMode(Mode other) {
        return new RecurrentOptions(inputSize, hiddenSize, numLayers, bias, dropout, bidirectional, lengths, other);
    }
}
