// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.training;

import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.OperandSupplier;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;

/**
 * The next pass while everybody says what it needs of it. Requests of equal extensions become one, for the parameters
 * of all; one whose name is taken gets another name.
 */
public final class PassPreparation {

    private final long step;
    private final long epoch;
    private final Batch batch;
    private final Map<Extension<?>, Request<?>> requests = new LinkedHashMap<>();
    private final List<OperandSupplier> suppliers = new ArrayList<>();
    private RunOperands operands = RunOperands.NONE;
    private Function<TensorScope, Optional<LinearUpdate>> planner = scope -> Optional.empty();

    /** Nobody has asked for anything yet. For loops of one's own; the trainer makes one for each step. */
    public PassPreparation(long step, long epoch, Batch batch) {
        this.step = step;
        this.epoch = epoch;
        this.batch = batch;
    }

    /** The number of the step whose pass this is, from 0 on. */
    public long step() {
        return step;
    }

    /** The epoch, from 1 on. */
    public long epoch() {
        return epoch;
    }

    /** The samples of the pass. */
    public Batch batch() {
        return batch;
    }

    /** Asks for an extension for all parameters. */
    public PassPreparation request(Extension<?> extension) {
        return request(Request.of(extension));
    }

    /** Asks for an extension. */
    public PassPreparation request(Request<?> request) {
        requests.merge(request.extension(), request, PassPreparation::both);
        return this;
    }

    /**
     * Brings an operand that an extension declared, of a parameter or, with {@link
     * io.backpack4j.spi.module.Operand#NETWORK}, of the network.
     */
    public PassPreparation operand(String name, String parameter, Tensor tensor) {
        operands = operands.with(name, parameter, tensor);
        return this;
    }

    /** Makes operands of the gradients, between the first stage and the second. */
    public PassPreparation operandsAfterGradient(OperandSupplier supplier) {
        suppliers.add(supplier);
        return this;
    }

    /**
     * What is known of the update that follows, clipping left aside; empty for optimisers whose updates are no linear
     * functions of the gradient.
     *
     * @param scope owns the tensors that are made
     */
    public Optional<LinearUpdate> plannedUpdate(TensorScope scope) {
        return planner.apply(scope);
    }

    void planner(Function<TensorScope, Optional<LinearUpdate>> other) {
        planner = other;
    }

    /** What was asked for, under names that differ. */
    public List<Request<?>> requests() {
        List<Request<?>> named = new ArrayList<>();
        Set<String> names = new LinkedHashSet<>();
        for (Request<?> request : requests.values()) {
            String name = request.name();
            for (int i = 2; !names.add(name); i++) {
                name = request.name() + "-" + i;
            }
            named.add(name.equals(request.name()) ? request : request.as(name));
        }
        return named;
    }

    RunOperands operands() {
        return operands;
    }

    Optional<OperandSupplier> supplier() {
        if (suppliers.isEmpty()) {
            return Optional.empty();
        }
        List<OperandSupplier> all = List.copyOf(suppliers);
        return Optional.of((gradients, scope) -> {
            RunOperands joined = RunOperands.NONE;
            for (OperandSupplier supplier : all) {
                joined = joined.with(supplier.supply(gradients, scope));
            }
            return joined;
        });
    }

    private static Request<?> both(Request<?> first, Request<?> second) {
        Set<String> patterns = new LinkedHashSet<>(first.parameters());
        patterns.addAll(second.parameters());
        return first.only(patterns.toArray(String[]::new));
    }
}
