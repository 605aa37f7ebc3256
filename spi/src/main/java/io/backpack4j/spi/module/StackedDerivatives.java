// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * The per-sample gradients of a parameter whose blocks of rows have derivatives of their own: g is theirs, one below
 * the other, and zero in rows that no block has. Every contraction is asked of the blocks, which are disjoint, and put
 * together; only outer products are of blocks with each other, too.
 */
final class StackedDerivatives extends ParameterDerivatives {

    private final List<RowDerivatives> parts;
    private final boolean covers;

    private StackedDerivatives(Shape parameter, List<RowDerivatives> parts) {
        super(
                parts.get(0).derivatives().backend(),
                parameter,
                parts.get(0).derivatives().dtype(),
                parts.get(0).derivatives().columns(),
                parts.get(0).derivatives().samples());
        this.parts = List.copyOf(parts);
        this.covers = parts.stream().mapToLong(part -> part.rows().size()).sum() == parameter.size(0);
    }

    /** Blocks that overlap are ties: their gradients add before anything is squared. */
    static ParameterDerivatives of(Shape parameter, List<RowDerivatives> uses) {
        List<RowDerivatives> sorted = new ArrayList<>(uses);
        sorted.sort(Comparator.comparingLong(use -> use.rows().from()));
        List<RowDerivatives> disjoint = new ArrayList<>();
        List<RowDerivatives> cluster = new ArrayList<>();
        long end = 0;
        for (RowDerivatives use : sorted) {
            if (!cluster.isEmpty() && use.rows().from() >= end) {
                disjoint.add(tied(parameter, cluster));
                cluster.clear();
            }
            end = cluster.isEmpty() ? use.rows().to() : Math.max(end, use.rows().to());
            cluster.add(use);
        }
        disjoint.add(tied(parameter, cluster));
        RowDerivatives first = disjoint.get(0);
        return first.rows().equals(RowBlock.all(parameter))
                ? first.derivatives()
                : new StackedDerivatives(parameter, disjoint);
    }

    /** The sum of uses of which each overlaps another one. */
    private static RowDerivatives tied(Shape parameter, List<RowDerivatives> cluster) {
        long from = cluster.get(0).rows().from();
        long to = cluster.stream().mapToLong(use -> use.rows().to()).max().orElseThrow();
        RowBlock rows = new RowBlock(from, to);
        List<ParameterDerivatives> summands = new ArrayList<>();
        for (RowDerivatives use : cluster) {
            RowBlock inside = new RowBlock(use.rows().from() - from, use.rows().to() - from);
            summands.add(
                    use.rows().equals(rows)
                            ? use.derivatives()
                            : new StackedDerivatives(
                                    rows.of(parameter), List.of(new RowDerivatives(inside, use.derivatives()))));
        }
        return new RowDerivatives(rows, ParameterDerivatives.tied(summands));
    }

    @Override
    public void perSample(Block block, Tensor destination) {
        clearGaps(destination);
        for (RowDerivatives part : parts) {
            try (TensorScope scope = backend().openScope()) {
                Tensor rows = target(scope, part.rows(), destination, 2, false);
                part.derivatives().perSample(block, rows);
                part.rows().write(backend(), rows, destination, 2);
            }
        }
    }

    @Override
    void executeTogether(List<ContractionTask> tasks) {
        var assemblies = new StackedAssembly.Of(parts.size());
        List<ContractionTask> split = new ArrayList<>();
        List<ContractionTask> whole = new ArrayList<>();
        for (ContractionTask task : tasks) {
            StackedAssembly assembly = task.contraction().accept(assemblies);
            (assembly instanceof StackedAssembly.Whole ? whole : split).add(task);
            if (assembly instanceof StackedAssembly.Rows && !keeps(task)) {
                task.destinations().forEach(this::clearGaps);
            }
        }
        if (!split.isEmpty()) {
            for (int part = 0; part < parts.size(); part++) {
                execute(part, split, assemblies);
            }
        }
        if (!whole.isEmpty()) {
            super.executeTogether(whole);
        }
    }

    /** A block computes all contractions at once, as it would on its own. */
    private void execute(int index, List<ContractionTask> tasks, StackedAssembly.Of assemblies) {
        RowDerivatives part = parts.get(index);
        List<ContractionTask> own = new ArrayList<>();
        List<Runnable> afterwards = new ArrayList<>();
        try (TensorScope scope = backend().openScope()) {
            for (ContractionTask task : tasks) {
                StackedAssembly assembly = task.contraction().accept(assemblies);
                if (assembly instanceof StackedAssembly.Rows rows) {
                    own.add(ofRows(scope, part.rows(), task, rows.axis(), afterwards));
                } else if (assembly instanceof StackedAssembly.Groups groups) {
                    own.add(ofGroups(scope, index, task, groups));
                } else if (assembly instanceof StackedAssembly.Added added) {
                    own.add(added(scope, index, task, added.slicesOperand(), afterwards));
                }
            }
            part.derivatives().execute(own);
            afterwards.forEach(Runnable::run);
        }
    }

    private ContractionTask ofRows(
            TensorScope scope, RowBlock rows, ContractionTask task, int axis, List<Runnable> afterwards) {
        List<Tensor> targets = new ArrayList<>();
        for (Tensor destination : task.destinations()) {
            Tensor target = target(scope, rows, destination, axis, keeps(task));
            targets.add(target);
            afterwards.add(() -> rows.write(backend(), target, destination, axis));
        }
        return new ContractionTask(task.contraction(), targets, task.operand(), task.accumulate());
    }

    private static ContractionTask ofGroups(
            TensorScope scope, int index, ContractionTask task, StackedAssembly.Groups groups) {
        long count = groups.groups();
        Tensor rows = scope.rows(task.destination(), index * count, (index + 1) * count);
        Shape shape = groups.ofPart().shapes(1, 1, Shape.of()).get(0);
        return new ContractionTask(
                groups.ofPart(), List.of(scope.view(rows, shape)), task.operand(), task.accumulate());
    }

    private ContractionTask added(
            TensorScope scope, int index, ContractionTask task, boolean slicesOperand, List<Runnable> afterwards) {
        Tensor whole = task.operand();
        Tensor operand =
                slicesOperand && whole != null ? parts.get(index).rows().read(backend(), scope, whole, 1) : whole;
        Tensor destination = task.destination();
        if (index == 0) {
            return new ContractionTask(task.contraction(), List.of(destination), operand, task.accumulate());
        }
        Tensor more = scope.allocate(destination.shape(), destination.dtype());
        afterwards.add(() -> backend().elementwise().addScaled(1, more, destination));
        return new ContractionTask(task.contraction(), List.of(more), operand, false);
    }

    private static boolean keeps(ContractionTask task) {
        return task.accumulate() && !task.contraction().overwrites();
    }

    private Tensor target(TensorScope scope, RowBlock rows, Tensor destination, int axis, boolean keep) {
        return keep || rows.liesTogether(destination, axis)
                ? rows.read(backend(), scope, destination, axis)
                : scope.allocate(destination.shape().with(axis, rows.size()), destination.dtype());
    }

    private void clearGaps(Tensor destination) {
        if (!covers) {
            backend().elementwise().fill(destination, 0);
        }
    }
}
