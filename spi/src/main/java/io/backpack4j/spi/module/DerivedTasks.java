// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** Tasks that are computed from the results of others: of those that are asked for anyway, or of temporary ones. */
final class DerivedTasks {

    private final ParameterDerivatives derivatives;
    private final PortableForms portable;
    private final TensorScope scope;
    private final List<ContractionTask> tasks;
    private final List<ContractionTask> plain = new ArrayList<>();
    private final List<ContractionTask> derived = new ArrayList<>();
    private final List<Runnable> afterwards = new ArrayList<>();

    /**
     * @param scope of temporary results; closes after {@link #finish}
     */
    DerivedTasks(
            ParameterDerivatives derivatives, PortableForms portable, TensorScope scope, List<ContractionTask> tasks) {
        this.derivatives = derivatives;
        this.portable = portable;
        this.scope = scope;
        this.tasks = tasks;
        tasks.stream().filter(task -> form(task).isEmpty()).forEach(plain::add);
        tasks.forEach(this::add);
    }

    private Optional<PortableForm.OfOthers> form(ContractionTask task) {
        return task.contraction().accept(portable) instanceof PortableForm.OfOthers form
                        && derivatives.directForm(task.contraction()).isEmpty()
                ? Optional.of(form)
                : Optional.empty();
    }

    /** Adds a task behind what it is computed from. */
    private void add(ContractionTask task) {
        Optional<PortableForm.OfOthers> form = form(task);
        if (form.isPresent() && !derived.contains(task)) {
            derived.add(task);
            List<Tensor> results = new ArrayList<>();
            form.get().others().forEach(other -> results.addAll(results(task, other)));
            afterwards.add(() -> form.get().step().accept(task, results));
        }
    }

    /** The tasks that come first. */
    List<ContractionTask> plain() {
        return plain;
    }

    /** Computes the rest once {@link #plain} is. */
    void finish() {
        afterwards.forEach(Runnable::run);
    }

    private List<Tensor> results(ContractionTask task, Contraction other) {
        if (task.operand() != null && task.contraction().ofBatch().isPresent()) {
            return List.of(task.operand());
        }
        Optional<ContractionTask> asked = Stream.of(tasks, plain, derived)
                .flatMap(List::stream)
                .filter(each -> each.contraction().equals(other)
                        && each.operand() == null
                        && (!each.accumulate() || other.overwrites()))
                .findFirst();
        if (asked.isPresent()) {
            add(asked.get());
            return asked.get().destinations();
        }
        List<Tensor> temporary = new ArrayList<>();
        for (Shape shape : other.shapes(derivatives.columns(), derivatives.samples(), derivatives.parameter())) {
            temporary.add(scope.allocate(shape, derivatives.dtype()));
        }
        ContractionTask added = new ContractionTask(other, temporary, null, false);
        if (form(added).isEmpty()) {
            plain.add(added);
        }
        add(added);
        return temporary;
    }
}
