// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.testkit.module;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.module.CompositionGraph.ParameterUse;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.EvaluationContext;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.module.PullbackTangent;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.module.RowDerivatives;
import io.backpack4j.spi.module.Tangents;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.testkit.TestContext;
import io.backpack4j.testkit.module.ComposedModule.Bound;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** All parts of a composition evaluated one after the other. */
final class ComposedEvaluation implements Evaluation {

    private final ComposedModule.Layout layout;
    private final int inputs;
    private final List<Evaluation> parts = new ArrayList<>();

    ComposedEvaluation(
            ComposedModule.Layout layout,
            EvaluationContext context,
            List<Tensor> inputs,
            Map<String, Tensor> parameters) {
        this.layout = layout;
        this.inputs = inputs.size();
        for (Bound part : layout.parts()) {
            List<Tensor> arguments = part.inputs().stream()
                    .map(source -> source < 0
                            ? inputs.get(-source - 1)
                            : parts.get(source).output())
                    .toList();
            Map<String, Tensor> own = new HashMap<>();
            part.uses().forEach((name, use) -> {
                Tensor all = Objects.requireNonNull(parameters.get(use.parameter()));
                own.put(name, read(context, all, use, 0));
            });
            parts.add(part.module().evaluate(in(context, part), arguments, own));
        }
    }

    private static Tensor read(EvaluationContext context, Tensor all, ParameterUse use, int axis) {
        return use.rows()
                .map(rows -> rows.read(context.backend(), context.scope(), all, axis))
                .orElse(all);
    }

    /** Every part has random draws of its own. */
    private static EvaluationContext in(EvaluationContext context, Bound part) {
        return new TestContext(
                context.backend(), context.scope(), context.sampleIds(), context.randomKey().stream(part.name()));
    }

    @Override
    public Tensor output() {
        return parts.get(parts.size() - 1).output();
    }

    @Override
    public Pullback pullback(EvaluationContext context, Tensor cotangents) {
        return new Way(context, cotangents);
    }

    @Override
    public Tensor pushforward(EvaluationContext context, Tangents tangents) {
        List<@Nullable Tensor> moved = push(context, tangents);
        Tensor output = moved.get(moved.size() - 1);
        if (output == null) {
            throw new IllegalArgumentException("nothing moves");
        }
        return output;
    }

    /** How every part's output moves; null for one that stands still. */
    private List<@Nullable Tensor> push(EvaluationContext context, Tangents tangents) {
        List<@Nullable Tensor> moved = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            Optional<Tangents> own = tangents(context, i, tangents, moved);
            moved.add(
                    own.isEmpty()
                            ? null
                            : parts.get(i)
                                    .pushforward(in(context, layout.parts().get(i)), own.get()));
        }
        return moved;
    }

    private Optional<Tangents> tangents(
            EvaluationContext context, int index, Tangents tangents, List<@Nullable Tensor> moved) {
        Bound part = layout.parts().get(index);
        List<Optional<Tensor>> ofInputs = new ArrayList<>();
        for (int source : part.inputs()) {
            ofInputs.add(source < 0 ? tangents.input(-source - 1) : Optional.ofNullable(moved.get(source)));
        }
        Map<String, Tensor> ofParameters = new HashMap<>();
        part.uses()
                .forEach((name, use) -> tangents.parameter(use.parameter())
                        .ifPresent(all -> ofParameters.put(name, read(context, all, use, 1))));
        boolean moves = !ofParameters.isEmpty() || ofInputs.stream().anyMatch(Optional::isPresent);
        return moves ? Optional.of(new Tangents(tangents.columns(), ofInputs, ofParameters)) : Optional.empty();
    }

    @Override
    public PullbackTangent pullbackTangent(EvaluationContext context, Tensor cotangents, Tangents tangents) {
        Way gradient = new Way(context, cotangents);
        List<@Nullable Tensor> moved = push(context, tangents);
        List<Optional<PullbackTangent>> changes = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            int index = i;
            changes.add(tangents(context, i, tangents, moved)
                    .map(own -> parts.get(index)
                            .pullbackTangent(in(context, layout.parts().get(index)), gradient.arrived(index), own)));
        }
        Tensor none = context.scope().allocate(cotangents.shape().with(0, tangents.columns()), cotangents.dtype());
        context.backend().elementwise().fill(none, 0);
        Way change = new Way(context, none, changes);
        return new PullbackTangent() {
            @Override
            public Optional<Tensor> input(int index) {
                return Optional.of(change.input(index));
            }

            @Override
            public void addToParameter(String name, Tensor destination) {
                for (int i = 0; i < parts.size(); i++) {
                    change.addTo(i, name, destination);
                }
            }
        };
    }

    /** Cotangents on their way from the output to the inputs, through all parts. */
    private final class Way implements Pullback {

        private final EvaluationContext context;
        private final List<Optional<PullbackTangent>> changes;
        private final @Nullable Tensor[] atParts = new @Nullable Tensor[parts.size()];
        private final @Nullable Tensor[] atInputs = new @Nullable Tensor[inputs];
        private final @Nullable Pullback[] pullbacks = new @Nullable Pullback[parts.size()];

        Way(EvaluationContext context, Tensor cotangents) {
            this(context, cotangents, List.of());
        }

        /** @param changes what every part adds, if anything */
        Way(EvaluationContext context, Tensor cotangents, List<Optional<PullbackTangent>> changes) {
            this.context = context;
            this.changes = changes;
            atParts[parts.size() - 1] = cotangents;
            for (int i = parts.size() - 1; i >= 0; i--) {
                Bound part = layout.parts().get(i);
                Pullback pullback = parts.get(i).pullback(in(context, part), arrived(i));
                pullbacks[i] = pullback;
                for (int input = 0; input < part.inputs().size(); input++) {
                    int source = part.inputs().get(input);
                    add(source, pullback.input(input));
                    if (!changes.isEmpty() && changes.get(i).isPresent()) {
                        changes.get(i).get().input(input).ifPresent(more -> add(source, more));
                    }
                }
            }
        }

        private void add(int source, Tensor more) {
            @Nullable Tensor[] sums = source < 0 ? atInputs : atParts;
            int index = source < 0 ? -source - 1 : source;
            Backend backend = context.backend();
            Tensor sum = sums[index];
            if (sum == null) {
                // What came may share memory with what others still read.
                sum = context.scope().allocate(more.shape(), more.dtype());
                backend.elementwise().copy(more, sum);
                sums[index] = sum;
            } else {
                backend.elementwise().addScaled(1, more, sum);
            }
        }

        /** The cotangents of a part's output. */
        Tensor arrived(int part) {
            return Objects.requireNonNull(atParts[part]);
        }

        @Override
        public Tensor input(int index) {
            return Objects.requireNonNull(atInputs[index]);
        }

        @Override
        public ParameterDerivatives parameter(String name) {
            List<ParameterDerivatives> whole = new ArrayList<>();
            List<RowDerivatives> rows = new ArrayList<>();
            ParameterSpec spec = layout.parameters().get(name);
            if (spec == null) {
                return Pullback.super.parameter(name);
            }
            for (int i = parts.size() - 1; i >= 0; i--) {
                Pullback pullback = Objects.requireNonNull(pullbacks[i]);
                layout.parts().get(i).uses().forEach((own, use) -> {
                    if (use.parameter().equals(name)) {
                        ParameterDerivatives derivatives = pullback.parameter(own);
                        use.rows()
                                .ifPresentOrElse(
                                        some -> rows.add(new RowDerivatives(some, derivatives)),
                                        () -> whole.add(derivatives));
                    }
                });
            }
            if (rows.isEmpty()) {
                return ParameterDerivatives.tied(whole);
            }
            whole.forEach(derivatives -> rows.add(new RowDerivatives(RowBlock.all(spec.shape()), derivatives)));
            return ParameterDerivatives.stacked(spec.shape(), rows);
        }

        /** Adds what a part's own parameters pull back, and the change of that. */
        void addTo(int part, String name, Tensor destination) {
            layout.parts().get(part).uses().forEach((own, use) -> {
                if (use.parameter().equals(name)) {
                    Consumer<Tensor> addition = target -> {
                        var sum = new ContractionTask(new Contraction.Sum(), List.of(target), null, true);
                        Objects.requireNonNull(pullbacks[part]).parameter(own).execute(List.of(sum));
                        changes.get(part).ifPresent(change -> change.addToParameter(own, target));
                    };
                    use.rows()
                            .ifPresentOrElse(
                                    rows -> rows.update(context.backend(), destination, 1, addition),
                                    () -> addition.accept(destination));
                }
            });
        }
    }
}
