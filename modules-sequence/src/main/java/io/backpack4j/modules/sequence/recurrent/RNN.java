// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleChecks;

/**
 * h′ = f(W_ih x + b_ih + W_hh h + b_hh) at every step, f being tanh or relu. Sequences are {@code [N, T, input_size]},
 * the output {@code [N, T, directions · hidden_size]}.
 *
 * <p>A second input may give the initial states h_0, {@code [N, num_layers · directions, hidden_size]}, forward before
 * reverse in every layer. With {@code lengths} the last input is INT64 {@code [N]}: outputs are 0 behind a sequence's
 * end, where the reverse direction starts, as those of PyTorch's packed sequences; a length of 0 means no step at all.
 *
 * @param inputSize the size of an input at a step
 * @param hiddenSize the size of a state
 * @param numLayers how many layers stand on each other
 * @param nonlinearity f, {@code tanh} or {@code relu}
 * @param bias whether there are biases
 * @param dropout the probability with which inputs of all layers but the first are set to zero in training
 * @param bidirectional whether a second direction goes from the last step to the first
 * @param lengths whether sequences have lengths
 * @param mode whether dropout drops
 */
public record RNN(
        long inputSize,
        long hiddenSize,
        long numLayers,
        String nonlinearity,
        boolean bias,
        double dropout,
        boolean bidirectional,
        boolean lengths,
        Mode mode)
        implements RecurrentLayer {

    public RNN {
        recurrence(inputSize, hiddenSize, numLayers, nonlinearity, bias, dropout, bidirectional, lengths, mode);
    }

    /** One layer in one direction, with biases. */
    public RNN(long inputSize, long hiddenSize) {
        this(inputSize, hiddenSize, 1, "tanh", true, 0, false, false, Mode.TRAIN);
    }

    @Override
    public Recurrence recurrence() {
        return recurrence(inputSize, hiddenSize, numLayers, nonlinearity, bias, dropout, bidirectional, lengths, mode);
    }

    private static Recurrence recurrence(
            long inputSize,
            long hiddenSize,
            long numLayers,
            String nonlinearity,
            boolean bias,
            double dropout,
            boolean bidirectional,
            boolean lengths,
            Mode mode) {
        return new Recurrence(
                "RNN",
                cell(nonlinearity),
                inputSize,
                hiddenSize,
                numLayers,
                bias,
                dropout,
                bidirectional,
                lengths,
                mode);
    }

    @Override
    public RNN inMode(Mode other) {
        return new RNN(inputSize, hiddenSize, numLayers, nonlinearity, bias, dropout, bidirectional, lengths, other);
    }

    private static Cell cell(String nonlinearity) {
        return switch (nonlinearity) {
            case "tanh" -> new PlainCell(Cell.TANH);
            case "relu" -> new PlainCell(Activation.of(Activation.Kind.RELU));
            default -> throw ModuleChecks.invalid("RNN", "nonlinearity", nonlinearity, "tanh or relu");
        };
    }
}
