// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.modules.sequence.recurrent;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.module.Initializer;
import io.backpack4j.spi.module.KroneckerSizes;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ModuleChecks;
import io.backpack4j.spi.module.ModuleDeclaration;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/**
 * What recurrent layers have in common.
 *
 * @param type their type
 * @param cell what happens at a step
 * @param options their arguments
 */
record Recurrence(String type, Cell cell, RecurrentOptions options) {

    Recurrence {
        ModuleChecks.positive(type, "input_size", options.inputSize());
        ModuleChecks.positive(type, "hidden_size", options.hiddenSize());
        ModuleChecks.positive(type, "num_layers", options.numLayers());
        if (!(options.dropout() >= 0 && options.dropout() <= 1)) {
            throw ModuleChecks.invalid(type, "dropout", options.dropout(), "a probability from 0 to 1");
        }
    }

    long hiddenSize() {
        return options.hiddenSize();
    }

    long numLayers() {
        return options.numLayers();
    }

    boolean bias() {
        return options.bias();
    }

    double dropout() {
        return options.dropout();
    }

    /** Whether the last input says how long sequences are. */
    boolean lengths() {
        return options.lengths();
    }

    int directions() {
        return options.bidirectional() ? 2 : 1;
    }

    /** The number of states that may be given: h, and c where there is one. */
    int states() {
        return cell.hasMemory() ? 2 : 1;
    }

    /** Whether inputs of a layer are set to zero at random. */
    boolean drops(long layer) {
        return layer > 0 && dropout() > 0 && options.mode() == Mode.TRAIN;
    }

    /** The suffix of the names of one direction's parameters. */
    static String suffix(long layer, int direction) {
        return "_l" + layer + (direction == 0 ? "" : "_reverse");
    }

    /** Lengths are the last input. */
    boolean takesIntegers(int input, int inputs) {
        return lengths() && input > 0 && input == inputs - 1;
    }

    ModuleDeclaration declare(Module module, List<Shape> inputs) {
        int further = lengths() ? 2 : 1;
        if (inputs.size() != further && inputs.size() != further + states()) {
            throw new BackpackException(
                    CommonProblems.INPUT_COUNT_MISMATCH,
                    "%s takes %s, but was given %d input(s).".formatted(type, expected(), inputs.size()));
        }
        Shape sequence = inputs.get(0);
        if (sequence.rank() != 2 || sequence.size(1) != options.inputSize() || sequence.size(0) == 0) {
            throw ModuleChecks.mismatch(
                    module,
                    "takes sequences [N, T, %d], at least one step of input_size = %d numbers, but samples have shape %s."
                            .formatted(options.inputSize(), options.inputSize(), sequence));
        }
        Shape state = Shape.of(numLayers() * directions(), hiddenSize());
        for (int i = 1; i < inputs.size(); i++) {
            boolean isLength = lengths() && i == inputs.size() - 1;
            Shape wanted = isLength ? Shape.of() : state;
            if (!inputs.get(i).equals(wanted)) {
                throw ModuleChecks.mismatch(
                        module,
                        "takes %s as input %d, of shape %s for every sample, but samples have shape %s."
                                .formatted(isLength ? "lengths" : "initial states", i, wanted, inputs.get(i)));
            }
        }
        return parameters(ModuleDeclaration.output(Shape.of(sequence.size(0), directions() * hiddenSize()))
                .retainInputs());
    }

    private String expected() {
        String states = cell.hasMemory() ? "h_0 and c_0" : "h_0";
        return "a sequence, perhaps initial states %s of shape [N, num_layers · directions, hidden_size]%s"
                .formatted(states, lengths() ? ", and lengths [N]" : "");
    }

    private ModuleDeclaration parameters(ModuleDeclaration declaration) {
        ModuleDeclaration all = declaration;
        Initializer initializer = Initializer.fanIn(hiddenSize());
        long rows = cell.gates() * hiddenSize();
        for (long layer = 0; layer < numLayers(); layer++) {
            long features = layer == 0 ? options.inputSize() : directions() * hiddenSize();
            for (int direction = 0; direction < directions(); direction++) {
                String suffix = suffix(layer, direction);
                List<ParameterSpec> specs = new ArrayList<>();
                specs.add(weight(Weights.OF_INPUT + suffix, rows, features, initializer));
                specs.add(weight(Weights.OF_STATE + suffix, rows, hiddenSize(), initializer));
                if (bias()) {
                    specs.add(ParameterSpec.parameter(Weights.INPUT_BIAS + suffix, Shape.of(rows), initializer));
                    specs.add(ParameterSpec.parameter(Weights.STATE_BIAS + suffix, Shape.of(rows), initializer));
                }
                for (ParameterSpec spec : specs) {
                    all = all.parameter(spec);
                }
            }
        }
        return all;
    }

    private static ParameterSpec weight(String name, long rows, long columns, Initializer initializer) {
        return ParameterSpec.parameter(name, Shape.of(rows, columns), initializer)
                .withKronecker(KroneckerSizes.matrix(rows, columns));
    }
}
