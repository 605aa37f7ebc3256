// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.backend.Activation;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ModuleChecks;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * h′ = f(W_ih x + b_ih + W_hh h + b_hh) at every step, f being tanh or relu. The initial state is h_0.
 *
 * @param options the arguments
 * @param nonlinearity f, {@code tanh} or {@code relu}
 */
public record RNN(RecurrentOptions options, String nonlinearity) implements RecurrentLayer {

    static final String NONLINEARITY = "nonlinearity";

    public RNN {
        recurrence(options, nonlinearity);
    }

    /** One layer in one direction, with tanh and biases. */
    public RNN(long inputSize, long hiddenSize) {
        this(new RecurrentOptions(inputSize, hiddenSize), "tanh");
    }

    @Override
    public Recurrence recurrence() {
        return recurrence(options, nonlinearity);
    }

    private static Recurrence recurrence(RecurrentOptions options, String nonlinearity) {
        return new Recurrence("RNN", cell(nonlinearity), options);
    }

    @Override
    public Map<String, @Nullable Object> arguments() {
        Map<String, @Nullable Object> arguments = RecurrentLayer.super.arguments();
        arguments.put(NONLINEARITY, nonlinearity);
        return arguments;
    }

    @Override
    public RNN inMode(Mode mode) {
        return new RNN(options.inMode(mode), nonlinearity);
    }

    private static Cell cell(String nonlinearity) {
        return switch (nonlinearity) {
            case "tanh" -> new PlainCell(Cell.TANH);
            case "relu" -> new PlainCell(Activation.of(Activation.Kind.RELU));
            default -> throw ModuleChecks.invalid("RNN", NONLINEARITY, nonlinearity, "tanh or relu");
        };
    }
}
