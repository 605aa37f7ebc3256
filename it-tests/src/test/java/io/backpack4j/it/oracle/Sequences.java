// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.oracle;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.IntStream;

/** Embeddings and recurrent layers by PyTorch's definitions, one step after the other. */
final class Sequences {

    private final Map<String, Object> arguments;
    private final List<Values> inputs;
    private final Function<String, Values> parameters;
    private final Consumer<WeightUse> uses;
    private double margin = Double.POSITIVE_INFINITY;

    Sequences(
            Map<String, Object> arguments,
            List<Values> inputs,
            Function<String, Values> parameters,
            Consumer<WeightUse> uses) {
        this.arguments = arguments;
        this.inputs = inputs;
        this.parameters = parameters;
        this.uses = uses;
    }

    /** The smallest distance, other than zero, of a number from a kink that it goes through. */
    double margin() {
        return margin;
    }

    Values apply(String type) {
        return switch (type) {
            case "Embedding" -> embedding();
            case "EmbeddingBag" -> bag();
            default -> recurrent(type);
        };
    }

    private Values embedding() {
        Values ids = inputs.get(0);
        Values weight = parameters.apply("weight");
        int[] shape = Arrays.copyOf(ids.shape(), ids.shape().length + 1);
        shape[shape.length - 1] = weight.shape()[1];
        int padding = integer("padding_idx", -1);
        return Values.fill(shape, index -> {
            int[] position = Arrays.copyOf(index, index.length - 1);
            int row = (int) ids.at(position).number();
            Value value = weight.at(row, index[index.length - 1]);
            return row == padding ? Value.constant(value.number()) : value;
        });
    }

    private Values bag() {
        Values weight = parameters.apply("weight");
        int padding = integer("padding_idx", -1);
        List<Integer> rows = inputs.get(0).elements().stream()
                .map(id -> (int) id.number())
                .filter(row -> row != padding)
                .toList();
        double factor = "sum".equals(arguments.get("mode")) ? 1 : 1.0 / rows.size();
        return Values.fill(
                new int[] {weight.shape()[1]},
                index -> Value.sum(rows.stream()
                                .map(row -> weight.at(row, index[0]))
                                .toList())
                        .times(factor));
    }

    private Values recurrent(String type) {
        int layers = integer("num_layers", 1);
        int directions = Boolean.TRUE.equals(arguments.get("bidirectional")) ? 2 : 1;
        int hidden = integer("hidden_size", 0);
        List<Values> real = inputs;
        int steps = inputs.get(0).shape()[0];
        int length = steps;
        if (Boolean.TRUE.equals(arguments.get("lengths"))) {
            real = inputs.subList(0, inputs.size() - 1);
            length = (int) inputs.get(real.size()).elements().get(0).number();
        }
        List<List<Value>> sequence = rows(inputs.get(0)).subList(0, length);
        for (int layer = 0; layer < layers; layer++) {
            List<List<Value>> outputs = new ArrayList<>();
            sequence.forEach(step -> outputs.add(new ArrayList<>()));
            for (int direction = 0; direction < directions; direction++) {
                String suffix = "_l" + layer + (direction == 1 ? "_reverse" : "");
                int state = layer * directions + direction;
                List<Value> h = state(real, 1, state, hidden);
                List<Value> c = state(real, 2, state, hidden);
                List<Integer> order =
                        new ArrayList<>(IntStream.range(0, length).boxed().toList());
                if (direction == 1) {
                    Collections.reverse(order);
                }
                for (int step : order) {
                    List<List<Value>> next = step(type, suffix, sequence.get(step), h, c);
                    h = next.get(0);
                    c = next.get(1);
                    outputs.get(step).addAll(h);
                }
            }
            sequence = outputs;
        }
        List<Value> all = new ArrayList<>();
        sequence.forEach(all::addAll);
        while (all.size() < steps * directions * hidden) {
            all.add(Value.constant(0));
        }
        return new Values(new int[] {steps, directions * hidden}, all);
    }

    private static List<Value> state(List<Values> inputs, int input, int row, int hidden) {
        return input < inputs.size()
                ? rows(inputs.get(input)).get(row)
                : Collections.nCopies(hidden, Value.constant(0));
    }

    private static List<List<Value>> rows(Values matrix) {
        int length = matrix.shape()[1];
        return IntStream.range(0, matrix.shape()[0])
                .mapToObj(row -> matrix.elements().subList(row * length, (row + 1) * length))
                .toList();
    }

    /** The next h and c. */
    private List<List<Value>> step(String type, String suffix, List<Value> x, List<Value> h, List<Value> c) {
        List<Value> ofInput = affine("ih" + suffix, x);
        List<Value> ofState = affine("hh" + suffix, h);
        int size = h.size();
        List<Value> nextH = new ArrayList<>();
        List<Value> nextC = new ArrayList<>();
        for (int i = 0; i < size; i++) {
            int at = i;
            Function<Integer, Value> gate =
                    number -> ofInput.get(number * size + at).plus(ofState.get(number * size + at));
            switch (type) {
                case "RNN" -> {
                    nextH.add(
                            "relu".equals(arguments.get("nonlinearity"))
                                    ? relu(gate.apply(0))
                                    : gate.apply(0).tanh());
                    nextC.add(c.get(i));
                }
                case "LSTM" -> {
                    Value cell = gate.apply(1)
                            .sigmoid()
                            .times(c.get(i))
                            .plus(gate.apply(0).sigmoid().times(gate.apply(2).tanh()));
                    nextC.add(cell);
                    nextH.add(gate.apply(3).sigmoid().times(cell.tanh()));
                }
                default -> {
                    Value reset = gate.apply(0).sigmoid();
                    Value update = gate.apply(1).sigmoid();
                    Value fresh = ofInput.get(2 * size + i)
                            .plus(reset.times(ofState.get(2 * size + i)))
                            .tanh();
                    nextH.add(fresh.plus(update.times(h.get(i).minus(fresh))));
                    nextC.add(c.get(i));
                }
            }
        }
        return List.of(nextH, nextC);
    }

    private Value relu(Value value) {
        if (value.number() != 0) {
            margin = Math.min(margin, Math.abs(value.number()));
        }
        return value.positivePart();
    }

    private List<Value> affine(String name, List<Value> x) {
        List<List<Value>> weight = rows(Objects.requireNonNull(parameters.apply("weight_" + name)));
        boolean hasBias = !Boolean.FALSE.equals(arguments.get("bias"));
        List<Value> result = new ArrayList<>();
        for (int row = 0; row < weight.size(); row++) {
            Value sum = hasBias ? parameters.apply("bias_" + name).elements().get(row) : Value.constant(0);
            for (int i = 0; i < x.size(); i++) {
                sum = sum.plus(weight.get(row).get(i).times(x.get(i)));
            }
            result.add(sum);
        }
        uses.accept(new WeightUse("weight_" + name, 0, x, result));
        return result;
    }

    private int integer(String name, int otherwise) {
        return arguments.get(name) instanceof Number number ? number.intValue() : otherwise;
    }
}
