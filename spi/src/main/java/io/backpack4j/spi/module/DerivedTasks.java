// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Tasks that are computed from the results of others: of those that are asked for anyway, or of temporary ones. */
final class DerivedTasks {

    private final ParameterDerivatives derivatives;
    private final PortableForms portable;
    private final TensorScope scope;
    private final List<ContractionTask> plain = new ArrayList<>();
    private final List<Runnable> afterwards = new ArrayList<>();

    /**
     * @param scope of temporary results; closes after {@link #finish}
     */
    DerivedTasks(
            ParameterDerivatives derivatives, PortableForms portable, TensorScope scope, List<ContractionTask> tasks) {
        this.derivatives = derivatives;
        this.portable = portable;
        this.scope = scope;
        tasks.stream().filter(task -> derived(task).isEmpty()).forEach(plain::add);
        for (ContractionTask task : tasks) {
            derived(task).ifPresent(form -> {
                List<Tensor> results = new ArrayList<>();
                form.others().forEach(other -> results.addAll(results(task, other)));
                afterwards.add(() -> form.step().accept(task, results));
            });
        }
    }

    private Optional<PortableForm.OfOthers> derived(ContractionTask task) {
        return task.contraction().accept(portable) instanceof PortableForm.OfOthers form
                        && derivatives.directForm(task.contraction()).isEmpty()
                ? Optional.of(form)
                : Optional.empty();
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
        for (ContractionTask asked : plain) {
            boolean whole = !asked.accumulate() || other.overwrites();
            if (asked.contraction().equals(other) && asked.operand() == null && whole) {
                return asked.destinations();
            }
        }
        List<Tensor> temporary = new ArrayList<>();
        for (Shape shape : other.shapes(derivatives.columns(), derivatives.samples(), derivatives.parameter())) {
            temporary.add(scope.allocate(shape, derivatives.dtype()));
        }
        plain.add(new ContractionTask(other, temporary, null, false));
        return temporary;
    }
}
