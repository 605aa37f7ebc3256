package io.backpack4j.modules.linear;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What modules check of their arguments and inputs. */
final class Checks {

    private Checks() {}

    static BackpackException invalid(Module module, String argument, Object value, String expected) {
        return new BackpackException(
                "InvalidArgument",
                "Argument '%s' of %s is %s, but must be %s.".formatted(argument, module.type(), value, expected));
    }

    static BackpackException mismatch(Module module, String problem) {
        return new BackpackException("ShapeMismatch", module.type() + " " + problem);
    }

    static void positive(Module module, String argument, long value) {
        if (value < 1) {
            throw invalid(module, argument, value, "at least 1");
        }
    }

    static void finite(Module module, String argument, double value) {
        if (!Double.isFinite(value)) {
            throw invalid(module, argument, value, "a finite number");
        }
    }

    /** The only input. */
    static Shape single(Module module, List<Shape> inputs) {
        if (inputs.size() != 1) {
            throw new BackpackException(
                    "InputCountMismatch",
                    "%s takes one input, but was given %d.".formatted(module.type(), inputs.size()));
        }
        return inputs.get(0);
    }

    static void atLeast(Module module, int count, List<Shape> inputs) {
        if (inputs.size() < count) {
            throw new BackpackException(
                    "InputCountMismatch",
                    "%s takes at least %d inputs, but was given %d.".formatted(module.type(), count, inputs.size()));
        }
    }

    /** The shape that all inputs have. */
    static Shape equal(Module module, List<Shape> inputs) {
        Shape first = inputs.get(0);
        for (int i = 1; i < inputs.size(); i++) {
            if (!inputs.get(i).equals(first)) {
                throw mismatch(
                        module,
                        "needs inputs of equal shapes, but a sample has shape %s in input 0 and %s in input %d."
                                .formatted(first, inputs.get(i), i));
            }
        }
        return first;
    }

    /** The axis behind a number that may count from the end, of tensors whose axis 0 is the batch. */
    static int axis(Module module, String argument, long value, Shape sample) {
        int rank = sample.rank() + 1;
        if (value < -rank || value >= rank) {
            throw mismatch(
                    module,
                    "has no axis %s = %d: with the batch in front of samples of shape %s, axes go from %d to %d."
                            .formatted(argument, value, sample, -rank, rank - 1));
        }
        return (int) (value < 0 ? value + rank : value);
    }

    static Tensor parameter(Map<String, Tensor> parameters, String name) {
        return Objects.requireNonNull(parameters.get(name), name);
    }
}
