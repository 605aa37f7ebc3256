// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Recurrent layers: gates in PyTorch's order, sequences with the batch in front. */
final class Recurrences {

    /** Where PyTorch's gates i, f, g, o stand among ONNX's i, o, f, c. */
    private static final List<Integer> LSTM_GATES = List.of(0, 2, 3, 1);

    /** Where PyTorch's gates r, z, n stand among ONNX's z, r, h. */
    private static final List<Integer> GRU_GATES = List.of(1, 0, 2);

    private static final int LENGTHS = 4;
    private static final int FIRST_STATE = 5;
    private static final int PEEPHOLES = 7;

    private Recurrences() {}

    static void register(Map<String, Consumer<Call>> all) {
        all.put("LSTM", call -> layer(call, "LSTM", LSTM_GATES));
        all.put("GRU", call -> layer(call, "GRU", GRU_GATES));
        all.put("RNN", call -> layer(call, "RNN", List.of(0)));
    }

    private static void layer(Call call, String type, List<Integer> gates) {
        Activation x = call.activation(0);
        Constant inputs = call.constant(1);
        Constant states = call.constant(2);
        String direction = call.word("direction", "forward");
        int directions = direction.equals("bidirectional") ? 2 : 1;
        long hidden = call.integer("hidden_size", states.sizes().get(states.rank() - 1));
        check(call, type, x, direction);
        requireSizes(inputs, List.of((long) directions, gates.size() * hidden, x.size(2)));
        requireSizes(states, List.of((long) directions, gates.size() * hidden, hidden));
        String name = Names.ofNode(call.node());
        Map<String, Object> arguments = new LinkedHashMap<>();
        arguments.put("input_size", x.size(2));
        arguments.put("hidden_size", hidden);
        arguments.put("batch_first", true);
        arguments.put("bidirectional", directions == 2);
        arguments.put("bias", call.has(3));
        if (type.equals("RNN")) {
            arguments.put("nonlinearity", nonlinearity(call, directions));
        }
        Map<String, Network.Numbers> parameters = new LinkedHashMap<>();
        for (int i = 0; i < directions; i++) {
            String suffix = "_l0" + (i == 0 ? "" : "_reverse");
            add(parameters, "weight_ih" + suffix, gates(inputs, i, gates, hidden, 0));
            add(parameters, "weight_hh" + suffix, gates(states, i, gates, hidden, 0));
            if (call.has(3)) {
                Constant biases = call.constant(3);
                requireSizes(biases, List.of((long) directions, 2 * gates.size() * hidden));
                add(parameters, "bias_ih" + suffix, gates(biases, i, gates, hidden, 0));
                add(parameters, "bias_hh" + suffix, gates(biases, i, gates, hidden, gates.size() * hidden));
            }
        }
        // [T, B, I] becomes [B, T, I]; with layout 1 it is there already.
        boolean batchFirst = call.integer("layout", 0) == 1;
        List<List<Integer>> axes = x.axes();
        Activation sequence = x.with(batchFirst ? axes : List.of(axes.get(1), axes.get(0), axes.get(2)));
        String node = call.model().arrangement().batchFirst(sequence, name);
        List<String> taken = new ArrayList<>(List.of(node));
        taken.addAll(states(call, type, name, x, List.of((long) directions, hidden)));
        Optional<String> lengths = lengths(call, name, x);
        if (lengths.isPresent()) {
            arguments.put("lengths", true);
            taken.add(lengths.get());
            if (call.uses(1)) {
                throw new Refusal(
                        "gives the last states of sequences with lengths, which is not supported: only outputs of all steps are");
            }
        }
        String added = call.model().network().add(name, type, arguments, taken, parameters);
        long length = x.size(batchFirst ? 1 : 0);
        outputs(call, x, added, length, directions, hidden, batchFirst);
    }

    private static void requireSizes(Constant constant, List<Long> sizes) {
        if (!constant.sizes().equals(sizes)) {
            throw new Refusal("has numbers of sizes %s, but needs %s".formatted(constant.sizes(), sizes));
        }
    }

    private static void check(Call call, String type, Activation x, String direction) {
        boolean usual = x.rank() == 3
                && !direction.equals("reverse")
                && call.number("clip", 0) == 0
                && call.integer("input_forget", 0) == 0
                && (type.equals("RNN") || call.attribute("activations").isEmpty())
                && (!type.equals("GRU") || call.integer("linear_before_reset", 0) != 0);
        if (!usual) {
            throw new Refusal(
                    "has an option that is not supported: possible are forward and bidirectional, PyTorch's activations, no clip, and linear_before_reset=1 for GRU");
        }
        if (!isZero(call, PEEPHOLES)) {
            throw new Refusal("has peepholes that are not zero, which is not supported");
        }
    }

    private static boolean isZero(Call call, int input) {
        return !call.has(input) || (call.input(input) instanceof Constant constant && Norms.isFilled(constant, 0));
    }

    /** The initial states, h and for an LSTM c, as [directions, hidden] of every sample; nothing if all are zero. */
    private static List<String> states(Call call, String type, String name, Activation x, List<Long> sizes) {
        int count = type.equals("LSTM") ? 2 : 1;
        if (IntStream.range(0, count).allMatch(i -> isZero(call, FIRST_STATE + i))) {
            return List.of();
        }
        return IntStream.range(0, count)
                .mapToObj(i -> state(call, FIRST_STATE + i, name + (i == 0 ? "_h_0" : "_c_0"), x, sizes))
                .toList();
    }

    private static String state(Call call, int input, String name, Activation x, List<Long> sizes) {
        if (!call.has(input)) {
            Constant zeros = Constant.of(x.type(), sizes, new double[Folding.limited(sizes)]);
            return Parameters.node(call, zeros, Optional.empty(), sizes, x);
        }
        if (call.input(input) instanceof Constant constant) {
            boolean isOne = constant.elements() == Folding.limited(sizes);
            if (!isOne) {
                throw new Refusal(
                        "has a constant initial state of sizes %s, but one that is the same for every sample must have the sizes %s, or be expanded to the batch's"
                                .formatted(constant.sizes(), sizes));
            }
            return Parameters.node(call, constant, Optional.empty(), sizes, x);
        }
        Activation given = call.activation(input);
        if (given.rank() != 3) {
            throw new Refusal("has an initial state with %d axes, but needs 3".formatted(given.rank()));
        }
        boolean batchFirst = call.integer("layout", 0) == 1;
        List<List<Integer>> axes = given.axes();
        Activation state = given.with(batchFirst ? axes : List.of(axes.get(1), axes.get(0), axes.get(2)));
        return call.model().arrangement().batchFirst(state, name);
    }

    /** The lengths of sequences, if they are not all of all steps. */
    private static Optional<String> lengths(Call call, String name, Activation x) {
        if (!call.has(LENGTHS) || isNumberOfSteps(call, x)) {
            return Optional.empty();
        }
        if (!(call.input(LENGTHS) instanceof Activation lengths) || Operators.isReal(lengths.type())) {
            throw new Refusal(
                    "has constant lengths of sequences, which is not supported. Make them an input of the model, whole numbers [N]");
        }
        return Optional.of(call.model().arrangement().batchFirst(lengths, name + "_lengths"));
    }

    /** Lengths that are all those of the whole sequence say nothing. */
    private static boolean isNumberOfSteps(Call call, Activation x) {
        long steps = x.size(call.integer("layout", 0) == 1 ? 1 : 0);
        return call.input(LENGTHS) instanceof Constant lengths && Norms.isFilled(lengths, steps);
    }

    private static String nonlinearity(Call call, int directions) {
        List<String> names = call.attribute("activations")
                .map(found -> found.texts())
                .orElse(Collections.nCopies(directions, "Tanh"));
        if (names.stream().allMatch("Tanh"::equals)) {
            return "tanh";
        }
        if (names.stream().allMatch("Relu"::equals)) {
            return "relu";
        }
        throw new Refusal("has the activations %s, but only Tanh or Relu are possible".formatted(names));
    }

    private static void add(Map<String, Network.Numbers> parameters, String name, Constant numbers) {
        parameters.put(name, new Network.Numbers(numbers, true));
    }

    /** The numbers of one direction, with gates in another order. */
    private static Constant gates(Constant all, int direction, List<Integer> gates, long hidden, long offset) {
        long rows = all.sizes().get(1);
        long columns = all.rank() == 3 ? all.sizes().get(2) : 1;
        List<Long> sizes = all.rank() == 3 ? List.of(gates.size() * hidden, columns) : List.of(gates.size() * hidden);
        int[] places = new int[Folding.limited(sizes)];
        int next = 0;
        for (int gate : gates) {
            for (long row = 0; row < hidden; row++) {
                for (long column = 0; column < columns; column++) {
                    places[next++] =
                            Math.toIntExact((direction * rows + offset + gate * hidden + row) * columns + column);
                }
            }
        }
        return all.picked(sizes, places);
    }

    private static void outputs(
            Call call, Activation x, String node, long length, int directions, long hidden, boolean batchFirst) {
        if (call.uses(2)) {
            throw new Refusal("gives its last cell state, which is not supported");
        }
        if (call.uses(0)) {
            String split = call.model()
                    .network()
                    .view(
                            node + "_directions",
                            "Reshape",
                            Map.of("shape", List.of(length, (long) directions, hidden)),
                            node);
            List<Integer> batch = call.model().arrangement().batch();
            List<List<Integer>> axes = batchFirst
                    ? List.of(batch, List.of(0), List.of(1), List.of(2))
                    : List.of(List.of(0), List.of(1), batch, List.of(2));
            call.output(0, new Activation(split, call.model().network().sample(split), axes, x.type()));
        }
        if (call.uses(1)) {
            call.output(1, lastStates(call, x, node, length, directions, hidden, batchFirst));
        }
    }

    /** The forward direction ends with the last step, the reverse one with the first. */
    private static Activation lastStates(
            Call call, Activation x, String node, long length, int directions, long hidden, boolean batchFirst) {
        List<String> states = new ArrayList<>();
        for (int i = 0; i < directions; i++) {
            List<@Nullable Object> slices = new ArrayList<>();
            slices.add(Arrays.asList(null, null, null));
            slices.add(i == 0 ? List.of(length - 1, length, 1L) : List.of(0L, 1L, 1L));
            slices.add(List.of(i * hidden, (i + 1) * hidden, 1L));
            Map<String, @Nullable Object> arguments = new LinkedHashMap<>();
            arguments.put("slices", slices);
            states.add(call.model().network().view(node + "_last", "Slice", arguments, node));
        }
        String joined = directions == 1
                ? states.get(0)
                : call.model().network().add(node + "_last", "Concat", Map.of("dim", 1L), states, Map.of());
        List<Integer> batch = call.model().arrangement().batch();
        List<List<Integer>> axes =
                batchFirst ? List.of(batch, List.of(0), List.of(1)) : List.of(List.of(0), batch, List.of(1));
        return new Activation(joined, call.model().network().sample(joined), axes, x.type());
    }
}
