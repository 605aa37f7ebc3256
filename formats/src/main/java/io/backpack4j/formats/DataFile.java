// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.formats;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.kernel.RunOperands;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.Problem;
import io.backpack4j.spi.ProblemId;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.IntStream;

/**
 * A data file as a model sees it: inputs under the model's names for them, {@code target}, and every parameter and
 * buffer under its full name, such as {@code 0.weight}, or as {@link StateDictNames} has it. A tied parameter may stand
 * beside its owner, with the same numbers. Operands of a run stand under {@code operand/}, see {@link #operands}.
 * Expected results may be in it too; any other tensor is an error.
 */
public final class DataFile {

    private static final String TARGET = TensorNames.TARGET;
    private static final String VECTORS = TensorNames.VECTORS;

    private final String name;
    private final Safetensors file;
    private final NamedTensors tensors;
    private final ModelDescription description;

    /**
     * Creates a view. Nothing is read yet.
     *
     * @param name the file's name, for messages
     * @param file stays open as long as this view is used
     * @param description the model
     */
    public DataFile(String name, Safetensors file, ModelDescription description) {
        this.name = name;
        this.file = StateDictNames.of(description).matched(file);
        this.tensors = new NamedTensors(name, this.file);
        this.description = description;
    }

    /** The type to compute with if nobody says: float64 if a parameter, a buffer or an input has it, else float32. */
    public DType dtype() {
        boolean wide = file.tensors().values().stream()
                .anyMatch(tensor -> tensor.type() == SafetensorsType.F64 && TensorNames.isGiven(tensor.name()));
        return wide ? DType.FLOAT64 : DType.FLOAT32;
    }

    /**
     * Makes the model with the file's parameters, and the batch.
     *
     * @throws BackpackException with everything that is wrong with the model, or else with every tensor that is
     *     missing, does not fit, is not finite, or is not known
     */
    public Loaded load(BackPack backpack, DType dtype) {
        return load(backpack, dtype, Optional.empty());
    }

    /**
     * Makes the model and the batch.
     *
     * @param numbers the model's parameters, if they are not in this file
     * @throws BackpackException as {@link #load(BackPack, DType)} does
     */
    public Loaded load(BackPack backpack, DType dtype, Optional<ModelNumbers> numbers) {
        Problems problems = new Problems();
        Shape[] shapes = description.inputs().stream()
                .map(input -> sample(input, problems))
                .toArray(Shape[]::new);
        List<Graph> graphs = new ArrayList<>();
        List<Loss> losses = new ArrayList<>();
        problems.collect(() -> graphs.add(backpack.catalog().graph(description)));
        problems.collect(() -> losses.add(backpack.catalog().loss(description.loss())));
        problems.throwIfAny();
        // Everything is checked before memory is taken: a model file may claim any size.
        checkParameters(backpack, graphs.get(0), dtype, shapes, numbers, problems);
        graphs.get(0).nodes().forEach(node -> checkTypes(node, problems));
        BatchBuilder builder = backpack.batch(dtype);
        description.inputs().forEach(input -> problems.collect(() -> addInput(input, graphs.get(0), dtype, builder)));
        problems.collect(() -> addTarget(dtype, builder));
        problems.throwIfAny();
        Model model = backpack.model(graphs.get(0), losses.get(0), dtype, shapes);
        return loaded(
                model,
                parameters -> fill(parameters, numbers),
                builder,
                Optional.of(file.tensor(TARGET).type()));
    }

    /**
     * Makes the model without its loss, and a batch without targets.
     *
     * @param numbers the parameters; may be this file
     * @throws BackpackException as {@link #load} does
     */
    public Loaded loadForPrediction(BackPack backpack, DType dtype, DataFile numbers) {
        return loadForPrediction(backpack, dtype, numbers, Optional.empty());
    }

    /**
     * Makes the model without its loss, and a batch without targets.
     *
     * @param foreign the model's parameters, if they are in no safetensors file
     * @throws BackpackException as {@link #load} does
     */
    public Loaded loadForPrediction(BackPack backpack, DType dtype, Optional<ModelNumbers> foreign) {
        return loadForPrediction(backpack, dtype, this, foreign);
    }

    private Loaded loadForPrediction(BackPack backpack, DType dtype, DataFile numbers, Optional<ModelNumbers> foreign) {
        Problems problems = new Problems();
        Shape[] shapes = description.inputs().stream()
                .map(input -> sample(input, problems))
                .toArray(Shape[]::new);
        List<Graph> graphs = new ArrayList<>();
        problems.collect(() -> graphs.add(backpack.catalog().graph(description)));
        problems.throwIfAny();
        numbers.checkParameters(backpack, graphs.get(0), dtype, shapes, foreign, problems);
        graphs.get(0).nodes().forEach(node -> checkTypes(node, problems));
        BatchBuilder builder = backpack.batch(dtype);
        description.inputs().forEach(input -> problems.collect(() -> addInput(input, graphs.get(0), dtype, builder)));
        problems.throwIfAny();
        return loaded(
                backpack.model(graphs.get(0), dtype, shapes),
                parameters -> numbers.fill(parameters, foreign),
                builder,
                Optional.empty());
    }

    /**
     * Makes the model without its loss, for inputs from elsewhere.
     *
     * @param inputShapes the shapes of one sample's inputs
     * @throws BackpackException with everything that is wrong with the model, or else with the parameters
     */
    public Model loadModel(BackPack backpack, DType dtype, Shape... inputShapes) {
        Graph graph = backpack.catalog().graph(description);
        return loadModel(backpack, graph, () -> backpack.model(graph, dtype, inputShapes), dtype, inputShapes);
    }

    /**
     * Makes the model with its loss, for inputs and targets from elsewhere.
     *
     * @param inputShapes the shapes of one sample's inputs
     * @throws BackpackException with everything that is wrong with the model, or else with the parameters
     */
    public Model loadModelWithLoss(BackPack backpack, DType dtype, Shape... inputShapes) {
        Graph graph = backpack.catalog().graph(description);
        Loss loss = backpack.catalog().loss(description.loss());
        return loadModel(backpack, graph, () -> backpack.model(graph, loss, dtype, inputShapes), dtype, inputShapes);
    }

    private Model loadModel(BackPack backpack, Graph graph, Supplier<Model> maker, DType dtype, Shape... inputShapes) {
        Problems problems = new Problems();
        checkParameters(backpack, graph, dtype, inputShapes, Optional.empty(), problems);
        problems.throwIfAny();
        Model model = maker.get();
        try {
            fill(model.parameters(), Optional.empty());
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static Loaded loaded(
            Model model, Consumer<Parameters> filler, BatchBuilder builder, Optional<SafetensorsType> target) {
        try {
            filler.accept(model.parameters());
            return new Loaded(model, builder.build(), target);
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    /**
     * The shape {@code [V, *p]} of the vectors for a parameter, which stand under {@code vec/<parameter>}.
     *
     * @param shape that of the parameter
     * @throws BackpackException if they are not there or do not fit
     */
    public Shape vectors(String parameter, Shape shape) {
        String vectors = VECTORS + parameter;
        TensorInfo tensor = file.tensors().get(vectors);
        if (tensor == null) {
            throw new BackpackException(
                    FormatProblems.MISSING_TENSOR,
                    tensors.missing(vectors, "which a product needs: vectors of shape [V, *%s]".formatted(shape)));
        }
        if (!tensor.type().isFloating()) {
            throw tensors.wrongType(tensor, "but vectors are real numbers", "float");
        }
        boolean fits = tensor.shape().rank() == shape.rank() + 1
                && tensor.shape().dropFirst(1).equals(shape)
                && tensor.shape().size(0) > 0;
        if (!fits) {
            throw new BackpackException(
                    CommonProblems.SHAPE_MISMATCH,
                    "%s has shape %s, but the vectors of a parameter of shape %s need one axis more, in front and not empty."
                            .formatted(tensors.described(tensor), tensor.shape(), shape));
        }
        return tensor.shape();
    }

    /**
     * Reads the vectors for a parameter.
     *
     * @param destination of their shape
     * @throws BackpackException if a number is not finite
     */
    public void readVectors(String parameter, Tensor destination) {
        TensorInfo tensor = file.tensor(VECTORS + parameter);
        tensors.read(tensor, destination.dtype(), (from, values, count) -> destination.write(from, values, 0, count));
    }

    /**
     * Reads the operands of a run, which stand under {@code operand/<name>/<parameter>}, or {@code operand/<name>/*}
     * for the network.
     *
     * @param scope owns them
     * @throws BackpackException if one is not of real numbers, or has one that is not finite
     */
    public RunOperands operands(TensorScope scope, DType dtype) {
        Problems problems = new Problems();
        List<RunOperands> read = new ArrayList<>(List.of(RunOperands.NONE));
        file.tensors().forEach((tensorName, tensor) -> {
            int slash = tensorName.lastIndexOf('/');
            if (tensorName.startsWith(TensorNames.OPERANDS) && slash >= TensorNames.OPERANDS.length()) {
                problems.collect(() -> {
                    if (!tensor.type().isFloating()) {
                        throw tensors.wrongType(tensor, "but operands are real numbers", "float");
                    }
                    Tensor operand = scope.allocate(tensor.shape(), dtype);
                    tensors.read(tensor, dtype, (from, values, count) -> operand.write(from, values, 0, count));
                    String operandName = tensorName.substring(TensorNames.OPERANDS.length(), slash);
                    read.set(0, read.get(0).with(operandName, tensorName.substring(slash + 1), operand));
                });
            }
        });
        problems.throwIfAny();
        return read.get(0);
    }

    /**
     * What a data file holds, on a backend.
     *
     * @param model with the file's parameters
     * @param batch the file's inputs and target
     * @param target the type that the target has in the file, if there is one
     */
    public record Loaded(Model model, Batch batch, Optional<SafetensorsType> target) implements AutoCloseable {

        private static final ProblemId WRONG_TARGET = CommonProblems.TYPE_MISMATCH;

        /**
         * What went wrong with the batch, in words of the file: whether it holds BOOL or I32, a batch does not know.
         */
        public BackpackException inWordsOfTheFile(BackpackException failure) {
            if (target.isEmpty()
                    || failure.problems().stream()
                            .noneMatch(problem -> problem.id().equals(WRONG_TARGET))) {
                return failure;
            }
            return new BackpackException(failure.problems().stream()
                    .map(problem -> problem.id().equals(WRONG_TARGET)
                            ? new Problem(
                                    problem.id(),
                                    "%s The file has '%s' of %s. %s"
                                            .formatted(
                                                    problem.message(),
                                                    TARGET,
                                                    target.get(),
                                                    NamedTensors.conversion(
                                                            target.get().isFloating() ? "long" : "float")))
                            : problem)
                    .toList());
        }

        /** Closes both. */
        @Override
        public void close() {
            try (Model first = model) {
                batch.close();
            }
        }
    }

    private Shape sample(String input, Problems problems) {
        TensorInfo tensor = file.tensors().get(input);
        if (tensor == null) {
            problems.add(FormatProblems.MISSING_TENSOR, tensors.missing(input, "which is an input of the model"));
        } else if (tensor.shape().rank() == 0) {
            problems.add(CommonProblems.SHAPE_MISMATCH, tensors.scalar(tensor));
        } else {
            return tensor.shape().dropFirst(1);
        }
        return Shape.of();
    }

    /** A module takes its inputs' types as they are in the file, where a batch knows only one type of integers. */
    private void checkTypes(Graph.Node node, Problems problems) {
        for (int i = 0; i < node.inputs().size(); i++) {
            String input = node.inputs().get(i);
            TensorInfo tensor = file.tensors().get(input);
            boolean integers = node.module().takesIntegers(i, node.inputs().size());
            boolean converted = !integers && tensor != null && tensor.type() == SafetensorsType.U8;
            if (tensor != null
                    && description.inputs().contains(input)
                    && !node.module().takesAnyType(i)
                    && tensor.type().isFloating() == integers
                    && !converted) {
                String taker = "but node %s (%s) takes %s there"
                        .formatted(
                                Failures.quoted(node.name()),
                                node.module().type(),
                                integers ? "integers" : "real numbers");
                problems.collect(() -> {
                    throw tensors.wrongType(tensor, taker, integers ? "long" : "float");
                });
            }
        }
    }

    private void checkParameters(
            BackPack backpack,
            Graph graph,
            DType dtype,
            Shape[] shapes,
            Optional<ModelNumbers> foreign,
            Problems problems) {
        if (foreign.isPresent()) {
            foreign.get().report(backpack.parameters(graph, shapes), dtype, problems);
            new TensorNames(
                            name,
                            file.tensors().keySet(),
                            description.inputs(),
                            TensorNames.ties(description),
                            foreign.get().tensors().keySet())
                    .reportBesideModel(problems);
            return;
        }
        new ParameterTensors(name, file)
                .report(
                        description.inputs(),
                        TensorNames.ties(description),
                        backpack.parameters(graph, shapes),
                        dtype,
                        problems);
    }

    private void fill(Parameters parameters, Optional<ModelNumbers> foreign) {
        foreign.ifPresentOrElse(
                numbers -> numbers.fill(parameters), () -> new ParameterTensors(name, file).fill(parameters));
    }

    /** Pixels and the like, U8, are the whole numbers 0 to 255 where real ones are taken. */
    private static double[] converted(long... bytes) {
        return Arrays.stream(bytes).asDoubleStream().toArray();
    }

    private void addInput(String input, Graph graph, DType dtype, BatchBuilder builder) {
        TensorInfo tensor = file.tensor(input);
        if (tensor.type() == SafetensorsType.U8 && !takesIntegers(graph, input)) {
            builder.input(input, tensor.shape(), converted(file.readLongs(input)));
        } else if (!tensor.type().isFloating()) {
            builder.input(input, tensor.shape(), file.readLongs(input));
        } else if (dtype == DType.FLOAT32) {
            tensors.requireFinite(tensor, dtype);
            builder.input(input, tensor.shape(), file.readFloats(input));
        } else {
            tensors.requireFinite(tensor, dtype);
            builder.input(input, tensor.shape(), file.readDoubles(input));
        }
    }

    private static boolean takesIntegers(Graph graph, String input) {
        return graph.nodes().stream()
                .anyMatch(node -> IntStream.range(0, node.inputs().size())
                        .anyMatch(i -> node.inputs().get(i).equals(input)
                                && node.module().takesIntegers(i, node.inputs().size())));
    }

    private void addTarget(DType dtype, BatchBuilder builder) {
        TensorInfo tensor = file.tensors().get(TARGET);
        if (tensor == null) {
            throw new BackpackException(FormatProblems.MISSING_TENSOR, tensors.missing(TARGET, "which the loss needs"));
        }
        if (tensor.shape().rank() == 0) {
            throw new BackpackException(CommonProblems.SHAPE_MISMATCH, tensors.scalar(tensor));
        }
        if (tensor.type().isFloating()) {
            tensors.requireFinite(tensor, dtype);
            builder.targets(tensor.shape(), file.readDoubles(TARGET));
        } else {
            builder.targets(tensor.shape(), file.readLongs(TARGET));
        }
    }
}
