// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A fault that strikes at one call of many. Used by one thread. */
final class Faults {

    /** What a call throws. */
    static final List<Supplier<Throwable>> THROWN = List.of(
            () -> new IllegalStateException("out of luck"),
            () -> new BackpackException(new ProblemId("Acme", "A test.", "None."), "It was not meant to be."),
            () -> new OutOfMemoryError("Java heap space"),
            StackOverflowError::new,
            () -> new NoSuchMethodError("lost()"),
            () -> new AssertionError("never"));

    /** What a call returns instead of a tensor. */
    enum Spoiled {
        WRONG_SHAPE,
        NAN,
        CLOSED,
        NOTHING
    }

    private int calls;
    private int strikeAt = -1;
    private @Nullable Supplier<Throwable> thrown;
    private @Nullable Spoiled spoiled;
    private @Nullable Backend backend;
    private @Nullable TensorScope scope;
    private boolean struck;
    private boolean paused;
    private @Nullable String group;
    private final Map<String, Integer> callsOfGroups = new TreeMap<>();

    /** Counts calls from now on, and lets one throw. */
    void throwAt(int call, Supplier<Throwable> what) {
        reset();
        strikeAt = call;
        thrown = what;
    }

    /** Counts calls that return tensors from now on, and spoils what one returns. */
    void spoilAt(int call, Spoiled what, Backend spoilingBackend) {
        reset();
        strikeAt = call;
        spoiled = what;
        backend = spoilingBackend;
        scope = spoilingBackend.openScope();
    }

    /** Counts calls from now on. */
    void reset() {
        TensorScope open = scope;
        if (open != null) {
            open.close();
        }
        scope = null;
        calls = 0;
        strikeAt = -1;
        thrown = null;
        spoiled = null;
        struck = false;
        callsOfGroups.clear();
    }

    /** From now on only calls of one group, an interface's name, are counted and fail; null: all. */
    void restrict(@Nullable String onlyGroup) {
        group = onlyGroup;
    }

    /** How many calls of each group there were. */
    Map<String, Integer> callsOfGroups() {
        return Map.copyOf(callsOfGroups);
    }

    /** How many calls there were. */
    int calls() {
        return calls;
    }

    /** Whether the fault struck. */
    boolean struck() {
        return struck;
    }

    /** Work of the test itself, in which nothing is counted or fails. */
    <T> T outside(Supplier<T> work) {
        paused = true;
        try {
            return work.get();
        } finally {
            paused = false;
        }
    }

    /** A call that may throw. */
    void call(String groupOfCall) throws Throwable {
        if (paused) {
            return;
        }
        callsOfGroups.merge(groupOfCall, 1, Integer::sum);
        if (group != null && !group.equals(groupOfCall)) {
            return;
        }
        if (spoiled == null && calls++ == strikeAt && thrown != null) {
            struck = true;
            throw thrown.get();
        }
    }

    /** What a call returns. */
    @Nullable
    Tensor returned(Tensor tensor) {
        if (spoiled == null || calls++ != strikeAt || scope == null || backend == null) {
            return tensor;
        }
        struck = true;
        if (spoiled == Spoiled.NOTHING) {
            return null;
        }
        if (spoiled == Spoiled.WRONG_SHAPE) {
            return scope.allocate(tensor.shape().prepend(2), tensor.dtype());
        }
        Tensor copy = scope.allocate(tensor.shape(), tensor.dtype());
        backend.elementwise().copy(tensor, copy);
        if (spoiled == Spoiled.CLOSED) {
            copy.close();
        } else if (tensor.shape().elements() > 0) {
            copy.write(0, new double[] {Double.NaN}, 0, 1);
        }
        return copy;
    }
}
