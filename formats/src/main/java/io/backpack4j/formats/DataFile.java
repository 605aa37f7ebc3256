package io.backpack4j.formats;

import io.backpack4j.kernel.BackPack;
import io.backpack4j.kernel.Batch;
import io.backpack4j.kernel.BatchBuilder;
import io.backpack4j.kernel.Graph;
import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.ModelDescription;
import io.backpack4j.kernel.NodeDescription;
import io.backpack4j.kernel.Parameters;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.Problems;
import io.backpack4j.spi.Suggestions;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A data file as a model sees it: inputs under the model's names for them, {@code target}, and every parameter and buffer under its full name,
 * such as {@code 0.weight}. Expected results may be in it too; any other tensor is an error.
 */
public final class DataFile {

    private static final String TARGET = "target";
    private static final String VECTORS = "vec/";

    /** What PyTorch's batch norms count. Whoever has no buffers counts nothing, but a file may say so. */
    private static final String BATCH_COUNTER = ".num_batches_tracked";

    private static final Set<String> RESULTS = Set.of("loss", "output", "loss_batch");
    private static final int RANGE = 1 << 14;

    private final String name;
    private final Safetensors file;
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
        this.file = file;
        this.description = description;
    }

    /** The type to compute with if nobody says: float64 if a parameter, a buffer or an input has it, else float32. */
    public DType dtype() {
        boolean wide = file.tensors().values().stream()
                .anyMatch(tensor -> tensor.type() == SafetensorsType.F64 && isGiven(tensor.name()));
        return wide ? DType.FLOAT64 : DType.FLOAT32;
    }

    /**
     * Makes the model with the file's parameters, and the batch.
     *
     * @throws BackpackException with everything that is wrong with the model, or else with every tensor that is missing, does not fit, is not
     *     finite, or is not known
     */
    public Loaded load(BackPack backpack, DType dtype) {
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
        checkParameters(backpack, graphs.get(0), dtype, shapes, problems);
        BatchBuilder builder = backpack.batch(dtype);
        description.inputs().forEach(input -> problems.collect(() -> addInput(input, dtype, builder)));
        problems.collect(() -> addTarget(dtype, builder));
        problems.throwIfAny();
        return loaded(backpack.model(graphs.get(0), losses.get(0), dtype, shapes), this, builder);
    }

    /**
     * Makes the model without its loss, and a batch without targets.
     *
     * @param numbers the parameters; may be this file
     * @throws BackpackException as {@link #load} does
     */
    public Loaded loadForPrediction(BackPack backpack, DType dtype, DataFile numbers) {
        Problems problems = new Problems();
        Shape[] shapes = description.inputs().stream()
                .map(input -> sample(input, problems))
                .toArray(Shape[]::new);
        List<Graph> graphs = new ArrayList<>();
        problems.collect(() -> graphs.add(backpack.catalog().graph(description)));
        problems.throwIfAny();
        numbers.checkParameters(backpack, graphs.get(0), dtype, shapes, problems);
        BatchBuilder builder = backpack.batch(dtype);
        description.inputs().forEach(input -> problems.collect(() -> addInput(input, dtype, builder)));
        problems.throwIfAny();
        return loaded(backpack.model(graphs.get(0), dtype, shapes), numbers, builder);
    }

    /**
     * Makes the model without its loss, for inputs from elsewhere.
     *
     * @param inputShapes the shapes of one sample's inputs
     * @throws BackpackException with everything that is wrong with the model, or else with the parameters
     */
    public Model loadModel(BackPack backpack, DType dtype, Shape... inputShapes) {
        Graph graph = backpack.catalog().graph(description);
        Problems problems = new Problems();
        checkParameters(backpack, graph, dtype, inputShapes, problems);
        problems.throwIfAny();
        Model model = backpack.model(graph, dtype, inputShapes);
        try {
            fill(model.parameters());
            return model;
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private static Loaded loaded(Model model, DataFile numbers, BatchBuilder builder) {
        try {
            numbers.fill(model.parameters());
            return new Loaded(model, builder.build());
        } catch (RuntimeException | Error e) {
            model.close();
            throw e;
        }
    }

    private void checkParameters(BackPack backpack, Graph graph, DType dtype, Shape[] shapes, Problems problems) {
        Map<String, ParameterSpec> specs = backpack.parameters(graph, shapes);
        reportUnknown(specs.keySet(), problems);
        specs.forEach((parameter, spec) -> problems.collect(() -> check(parameter, spec, dtype)));
    }

    /** Counters that the file does not have start at zero. */
    private void fill(Parameters parameters) {
        parameters.names().stream()
                .filter(parameter -> file.tensors().containsKey(parameter))
                .forEach(parameter -> parameters.set(parameter, tensor -> load(parameter, tensor)));
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
                    "MissingTensor",
                    missing(vectors, "which a product needs: vectors of shape [V, *%s]".formatted(shape)));
        }
        boolean fits = tensor.shape().rank() == shape.rank() + 1
                && tensor.shape().dropFirst(1).equals(shape)
                && tensor.shape().size(0) > 0;
        if (!fits) {
            throw new BackpackException(
                    "ShapeMismatch",
                    "%s has shape %s, but the vectors of a parameter of shape %s need one axis more, in front and not empty."
                            .formatted(described(tensor), tensor.shape(), shape));
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
        readFinite(tensor, destination.dtype(), (from, values, count) -> destination.write(from, values, 0, count));
    }

    /**
     * What a data file holds, on a backend.
     *
     * @param model with the file's parameters
     * @param batch the file's inputs and target
     */
    public record Loaded(Model model, Batch batch) implements AutoCloseable {

        /** Closes both. */
        @Override
        public void close() {
            try (Model first = model) {
                batch.close();
            }
        }
    }

    private boolean isGiven(String tensor) {
        return !RESULTS.contains(tensor)
                && !tensor.contains("/")
                && !tensor.equals(TARGET)
                && !tensor.endsWith(BATCH_COUNTER);
    }

    private Shape sample(String input, Problems problems) {
        TensorInfo tensor = file.tensors().get(input);
        if (tensor == null) {
            problems.add("MissingTensor", missing(input, "which is an input of the model"));
        } else if (tensor.shape().rank() == 0) {
            problems.add("ShapeMismatch", scalar(tensor));
        } else {
            return tensor.shape().dropFirst(1);
        }
        return Shape.of();
    }

    private void check(String parameter, ParameterSpec spec, DType dtype) {
        TensorInfo tensor = file.tensors().get(parameter);
        if (tensor == null && spec.isInteger()) {
            return; // a counter starts at zero, as in files of PyTorch before it counted
        }
        Shape shape = spec.shape();
        if (tensor == null) {
            throw new BackpackException(
                    "MissingTensor", missing(parameter, "which the model needs with shape " + shape));
        }
        if (!tensor.shape().equals(shape)) {
            throw new BackpackException(
                    "ShapeMismatch",
                    "%s has shape %s, but the model needs %s.".formatted(described(tensor), tensor.shape(), shape));
        }
        if (!spec.isInteger()) {
            requireFinite(tensor, dtype);
        } else if (tensor.type().isFloating()) {
            throw new BackpackException(
                    "WrongType", "%s must hold integers, but is %s.".formatted(described(tensor), tensor.type()));
        }
    }

    private void load(String parameter, Tensor target) {
        TensorInfo tensor = file.tensor(parameter);
        if (target.dtype() == DType.INT64) {
            long[] values = file.readLongs(parameter);
            target.write(0, values, 0, values.length);
            return;
        }
        readFinite(tensor, target.dtype(), (from, values, count) -> target.write(from, values, 0, count));
    }

    private void addInput(String input, DType dtype, BatchBuilder builder) {
        TensorInfo tensor = file.tensor(input);
        if (!tensor.type().isFloating()) {
            builder.input(input, tensor.shape(), file.readLongs(input));
        } else if (dtype == DType.FLOAT32) {
            requireFinite(tensor, dtype);
            builder.input(input, tensor.shape(), file.readFloats(input));
        } else {
            requireFinite(tensor, dtype);
            builder.input(input, tensor.shape(), file.readDoubles(input));
        }
    }

    private void addTarget(DType dtype, BatchBuilder builder) {
        TensorInfo tensor = file.tensors().get(TARGET);
        if (tensor == null) {
            throw new BackpackException("MissingTensor", missing(TARGET, "which the loss needs"));
        }
        if (tensor.shape().rank() == 0) {
            throw new BackpackException("ShapeMismatch", scalar(tensor));
        }
        if (tensor.type().isFloating()) {
            requireFinite(tensor, dtype);
            builder.targets(tensor.shape(), file.readDoubles(TARGET));
        } else {
            builder.targets(tensor.shape(), file.readLongs(TARGET));
        }
    }

    private void reportUnknown(Set<String> parameters, Problems problems) {
        Set<String> known = new TreeSet<>(parameters);
        known.addAll(description.inputs());
        known.add(TARGET);
        Map<String, String> ties = new HashMap<>();
        for (NodeDescription node : description.nodes()) {
            node.ties().forEach((own, owner) -> ties.put(node.name() + "." + own, owner));
        }
        List<String> unknown = new ArrayList<>();
        for (String tensor : file.tensors().keySet()) {
            if (ties.containsKey(tensor)) {
                problems.add(
                        "UnknownTensor",
                        "File %s has tensor '%s', which the model ties to '%s': it has no numbers of its own. Remove it."
                                .formatted(Failures.quoted(name), tensor, ties.get(tensor)));
            } else if (isGiven(tensor) && !known.contains(tensor)) {
                String guess = Suggestions.nearest(tensor, known)
                        .map(best -> " (did you mean '" + best + "'?)")
                        .orElse("");
                unknown.add(Failures.quoted(tensor) + guess);
            }
        }
        if (!unknown.isEmpty()) {
            problems.add(
                    "UnknownTensor",
                    "File %s has what the model does not know: %s. The model knows: %s. Remove or rename it."
                            .formatted(Failures.quoted(name), String.join(", ", unknown), String.join(", ", known)));
        }
    }

    private void requireFinite(TensorInfo tensor, DType dtype) {
        readFinite(tensor, dtype, (from, values, count) -> {});
    }

    private interface RangeReader {
        void accept(long from, double[] values, int count);
    }

    private void readFinite(TensorInfo tensor, DType dtype, RangeReader reader) {
        long elements = tensor.shape().elements();
        double[] range = new double[(int) Math.min(RANGE, elements)];
        for (long from = 0; from < elements; from += RANGE) {
            int count = (int) Math.min(RANGE, elements - from);
            file.read(tensor.name(), from, range, 0, count);
            for (int i = 0; i < count; i++) {
                double stored = dtype == DType.FLOAT32 ? (float) range[i] : range[i];
                if (!Double.isFinite(stored)) {
                    throw new BackpackException(
                            "NotFinite",
                            "%s is %s at position %s, but must be a finite number in %s."
                                    .formatted(described(tensor), range[i], position(tensor.shape(), from + i), dtype));
                }
            }
            reader.accept(from, range, count);
        }
    }

    private static List<Long> position(Shape shape, long index) {
        List<Long> position = new ArrayList<>();
        long rest = index;
        for (int axis = shape.rank() - 1; axis >= 0; axis--) {
            position.add(0, rest % shape.size(axis));
            rest /= shape.size(axis);
        }
        return position;
    }

    private String missing(String tensor, String what) {
        return "File %s has no tensor %s, %s.".formatted(Failures.quoted(name), Failures.quoted(tensor), what);
    }

    private String scalar(TensorInfo tensor) {
        return "%s is a scalar, but needs the batch as its first axis.".formatted(described(tensor));
    }

    private String described(TensorInfo tensor) {
        return "Tensor %s of file %s".formatted(Failures.quoted(tensor.name()), Failures.quoted(name));
    }
}
