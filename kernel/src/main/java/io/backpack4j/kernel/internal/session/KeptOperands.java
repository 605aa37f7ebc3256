// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.session;

import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.kernel.SessionState;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.LinkedHashMap;
import java.util.Map;

/** Copies of the operands of the first run, which those of all others must equal: what is accumulated is of them. */
final class KeptOperands {

    private static final String PREFIX = "operand/";
    private static final String NUMBERS = "numbers";
    private static final int PIECE = 1 << 14;

    private final Backend backend;
    private final TensorScope scope;
    private RunOperands kept = RunOperands.NONE;

    KeptOperands(Backend backend, TensorScope scope) {
        this.backend = backend;
        this.scope = scope;
    }

    RunOperands kept() {
        return kept;
    }

    void keep(RunOperands given) {
        given.tensors()
                .forEach((name, own) -> own.forEach((parameter, tensor) -> {
                    kept = kept.with(name, parameter, DeviceNumbers.copy(backend, scope, tensor));
                }));
    }

    /**
     * Requires equal numbers, if anything is kept.
     *
     * @param from what comes with them, for messages
     */
    void requireSame(String from, RunOperands given) {
        Problems problems = new Problems();
        kept.tensors()
                .forEach((name, own) -> own.forEach((parameter, tensor) -> {
                    Tensor other = given.tensors().getOrDefault(name, Map.of()).get(parameter);
                    if (other == null || !equal(tensor, other)) {
                        problems.add(
                                KernelProblems.OTHER_OPERAND,
                                "%s comes with other numbers of operand '%s' of '%s' than the session was begun with: what was accumulated is of those. Open another session for them."
                                        .formatted(from, name, parameter));
                    }
                }));
        problems.throwIfAny();
    }

    private static boolean equal(Tensor one, Tensor other) {
        if (!one.shape().equals(other.shape())) {
            return false;
        }
        long elements = one.shape().elements();
        double[] a = new double[(int) Math.min(PIECE, elements)];
        double[] b = new double[a.length];
        for (long from = 0; from < elements; from += a.length) {
            int count = (int) Math.min(a.length, elements - from);
            one.read(from, a, 0, count);
            other.read(from, b, 0, count);
            for (int i = 0; i < count; i++) {
                if (Double.compare(a[i], b[i]) != 0) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Numbers in the form of a session's state. */
    Map<String, SessionState.Numbers> numbers() {
        Map<String, SessionState.Numbers> numbers = new LinkedHashMap<>();
        kept.tensors()
                .forEach((name, own) -> own.forEach((parameter, tensor) -> {
                    numbers.put(StateReader.name(PREFIX + name + "/" + parameter, NUMBERS), new DeviceNumbers(tensor));
                }));
        return numbers;
    }

    /** Takes over those of a state. Whether they are the right ones is seen when they are required. */
    void restore(SessionState state) {
        state.tensors().keySet().forEach(tensor -> {
            String end = StateReader.name("", NUMBERS);
            int slash = tensor.lastIndexOf('/');
            if (tensor.startsWith(PREFIX) && tensor.endsWith(end) && slash >= PREFIX.length()) {
                String slot = tensor.substring(0, tensor.length() - end.length());
                kept = kept.with(
                        slot.substring(PREFIX.length(), slash),
                        slot.substring(slash + 1),
                        new StateReader(state, slot).upload(scope, NUMBERS));
            }
        });
    }
}
