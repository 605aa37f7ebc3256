// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.onnx.reading;

import io.backpack4j.onnx.proto.ElementType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * Operands of one operation, aligned at their last axes as ONNX does, so that the batch is axis 0 of all and every
 * sample has as many axes.
 *
 * @param operands activations and constants, at least one activation
 * @param groups per operand and axis of the result's samples the axes of its own samples; empty for constants
 * @param samples per operand the sizes of these axes
 * @param axes per axis of the file's tensor the axes of the result's samples in it
 */
record Alignment(
        List<Value> operands, List<List<List<Integer>>> groups, List<List<Long>> samples, List<List<Integer>> axes) {

    /** @param kept an axis that stays even if its size is one; −1 for none */
    static Alignment of(List<Value> operands, int kept) {
        int rank = operands.stream().mapToInt(Alignment::rank).max().orElse(0);
        List<List<List<Integer>>> groups = new ArrayList<>();
        List<List<Long>> samples = new ArrayList<>();
        operands.forEach(operand -> groups.add(new ArrayList<>()));
        operands.forEach(operand -> samples.add(new ArrayList<>()));
        List<List<Integer>> axes = new ArrayList<>();
        int next = 0;
        for (int axis = 0; axis < rank; axis++) {
            List<Integer> pieces = new ArrayList<>();
            boolean batch = holdBatch(operands, axis, rank);
            for (boolean behind : batch ? new boolean[] {false, true} : new boolean[] {false}) {
                boolean present = axis == kept;
                for (Value operand : operands) {
                    present |= size(operand, axis, rank, batch, behind) > 1;
                }
                if (present) {
                    pieces.add(next++);
                    for (int i = 0; i < operands.size(); i++) {
                        groups.get(i).add(piece(operands.get(i), axis, rank, behind));
                        samples.get(i).add(size(operands.get(i), axis, rank, batch, behind));
                    }
                }
                if (batch && !behind) {
                    pieces.add(Activation.BATCH);
                }
            }
            axes.add(pieces);
        }
        return new Alignment(operands, groups, samples, axes);
    }

    private static int rank(Value operand) {
        return operand instanceof Activation activation ? activation.rank() : ((Constant) operand).rank();
    }

    /** Whether the batch is in an axis: of all activations, or of none. */
    private static boolean holdBatch(List<Value> operands, int axis, int rank) {
        boolean any = false;
        boolean all = true;
        for (Value operand : operands) {
            int own = axis - rank + rank(operand);
            if (operand instanceof Activation activation) {
                boolean holds = own >= 0 && activation.holdsBatch(own);
                any |= holds;
                all &= holds;
            } else if (own >= 0 && ((Constant) operand).batchAxis() == own) {
                any = true;
            }
        }
        if (any && !all) {
            throw new Refusal("combines tensors of which one has the batch where another has an axis of samples");
        }
        return any;
    }

    private static List<Integer> piece(Value operand, int axis, int rank, boolean behind) {
        int own = axis - rank + rank(operand);
        if (own < 0 || !(operand instanceof Activation activation)) {
            return Collections.emptyList();
        }
        List<Integer> group = activation.axes().get(own);
        return behind ? Activation.behind(group) : Activation.before(group);
    }

    private static long size(Value operand, int axis, int rank, boolean batch, boolean behind) {
        int own = axis - rank + rank(operand);
        if (own < 0) {
            return 1;
        }
        if (operand instanceof Activation activation) {
            return activation.size(piece(operand, axis, rank, behind));
        }
        long size = ((Constant) operand).sizes().get(own);
        if (batch && size != 1) {
            throw new Refusal(
                    "combines the batch with a constant of sizes %s, which has %d numbers where the batch is. One for all samples is possible"
                            .formatted(((Constant) operand).sizes(), size));
        }
        return size;
    }

    /** A node for every operand. */
    List<String> nodes(Call call) {
        Activation like = (Activation) operands.stream()
                .filter(Activation.class::isInstance)
                .findFirst()
                .orElseThrow();
        List<String> nodes = new ArrayList<>();
        for (int i = 0; i < operands.size(); i++) {
            Optional<String> name = call.origin(i);
            nodes.add(
                    operands.get(i) instanceof Activation activation
                            ? call.model().arrangement().node(activation, groups.get(i), call.name())
                            : Parameters.node(call, (Constant) operands.get(i), name, samples.get(i), like));
        }
        return nodes;
    }

    /** The type of all activations, which must be equal. */
    ElementType type() {
        List<ElementType> types = operands.stream()
                .filter(Activation.class::isInstance)
                .map(operand -> ((Activation) operand).type())
                .distinct()
                .toList();
        if (types.size() != 1 || !Operators.isReal(types.get(0))) {
            throw new Refusal(
                    "combines tensors of %s, but only real numbers of one type are possible".formatted(types));
        }
        return types.get(0);
    }
}
