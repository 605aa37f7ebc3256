// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel;

import com.google.inject.CreationException;
import com.google.inject.Guice;
import com.google.inject.Stage;
import com.google.inject.spi.Message;
import io.backpack4j.kernel.internal.Kernel;
import io.backpack4j.kernel.internal.KernelModule;
import io.backpack4j.kernel.internal.PassSeeds;
import io.backpack4j.kernel.internal.discovery.KernelSettings;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.Mode;
import io.backpack4j.spi.module.ParameterSpec;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.Set;

/**
 * A loaded library: plugins found, a backend open. Serves several threads; several instances do not disturb each other.
 *
 * <pre>{@code
 * try (BackPack backpack = BackPack.create();
 *         Model model = backpack.model(graph, loss, DType.FLOAT32, Shape.of(784));
 *         Batch batch = backpack.batch(DType.FLOAT32, pixels, Shape.of(512, 784), labels);
 *         Results results = backpack.compute(model, batch, variance)) {
 *     Tensor ofWeight = results.get(variance, "1.weight");
 * }
 * }</pre>
 */
public final class BackPack implements AutoCloseable {

    private final Kernel kernel;
    private final PassSeeds seeds;

    private BackPack(Kernel kernel, PassSeeds seeds) {
        this.kernel = kernel;
        this.seeds = seeds;
    }

    /**
     * Loads all plugins of the class path and opens the backend that {@code -Dbackpack.backend} names, or the best
     * available one.
     */
    public static BackPack create() {
        return builder().build();
    }

    /** Loads the library step by step. */
    public static Builder builder() {
        return new Builder();
    }

    /** Catalogue of what plugins provide. Opening no backend, it works where no backend does. */
    public Catalog catalog() {
        return kernel.catalog();
    }

    /** The backend, opened at the first call. */
    public Backend backend() {
        return kernel.backend();
    }

    /**
     * Makes a model. Parameters that nobody sets ({@link Parameters#set(String, double[])}) are drawn at their first
     * use, as PyTorch does.
     *
     * @param inputShapes the shapes of one sample's inputs, in the graph's order
     */
    public Model model(Graph graph, Loss loss, DType dtype, Shape... inputShapes) {
        return kernel.model(graph, loss, dtype, List.of(inputShapes));
    }

    /**
     * Makes a model without a loss, which only predicts.
     *
     * @param inputShapes the shapes of one sample's inputs, in the graph's order
     */
    public Model model(Graph graph, DType dtype, Shape... inputShapes) {
        return kernel.model(graph, null, dtype, List.of(inputShapes));
    }

    /** Makes a model of a description. */
    public Model model(ModelDescription description, DType dtype, Shape... inputShapes) {
        Graph graph = catalog().graph(description);
        return description.hasLoss()
                ? model(graph, catalog().loss(description.loss()), dtype, inputShapes)
                : model(graph, dtype, inputShapes);
    }

    /**
     * The parameters and buffers that a model would have, in the order of the network. Takes no memory for them.
     *
     * @param inputShapes the shapes of one sample's inputs, in the graph's order
     */
    public Map<String, ParameterSpec> parameters(Graph graph, Shape... inputShapes) {
        return kernel.parameters(graph, List.of(inputShapes));
    }

    /** Makes a batch of one input and class indices, with sample ids 0, 1, …. */
    public Batch batch(DType dtype, float[] inputs, Shape inputShape, long[] classes) {
        BatchBuilder builder = batch(dtype).input(Graph.INPUT, inputShape, inputs);
        return builder.targets(Shape.of(classes.length), classes).build();
    }

    /** Makes a batch step by step. */
    public BatchBuilder batch(DType dtype) {
        return kernel.batch(dtype);
    }

    /**
     * Computes the gradient and the given extensions for all parameters. Plans are kept and reused for equal shapes and
     * requests.
     *
     * <p>Random draws differ from call to call: the pass with number k = {@link #passes} takes its seed from the
     * instance's ({@link Builder#seed}) and k, the first, k = 0, the instance's seed itself. A pass that is refused or
     * fails does not count, nor does one that is given a seed.
     */
    public Results compute(Model model, Batch batch, Extension<?>... extensions) {
        return compute(model, batch, requests(extensions), PassOptions.DEFAULT);
    }

    /**
     * Computes the gradient and the given extensions for all parameters.
     *
     * @param seed of random draws; the same seed gives the same numbers
     */
    public Results compute(Model model, Batch batch, long seed, Extension<?>... extensions) {
        return plan(model, batch, requests(extensions), PassOptions.DEFAULT).run(batch, seed);
    }

    /**
     * Computes what is asked for, with the seed of the next pass; {@link Plan#run(Batch, long)} takes one.
     *
     * @throws BackpackException with everything that does not fit, or as {@link Plan#run(Batch, RunOptions)} says
     */
    public Results compute(Model model, Batch batch, List<? extends Request<?>> requests, PassOptions options) {
        Plan plan = plan(model, batch, requests, options);
        return seeds.next(seed -> plan.run(batch, seed));
    }

    /**
     * Number of passes that have taken their seed from this instance's: the number k of the next. A checkpoint keeps
     * it.
     */
    public long passes() {
        return seeds.passes();
    }

    /**
     * Sets the number k of the next pass that takes its seed from this instance's, as when training goes on from a
     * checkpoint.
     *
     * @param count at least 0
     */
    public void setPasses(long count) {
        seeds.setPasses(count);
    }

    private static List<Request<?>> requests(Extension<?>... extensions) {
        List<Request<?>> requests = new ArrayList<>();
        for (Extension<?> extension : extensions) {
            requests.add(Request.of(extension));
        }
        return requests;
    }

    /** Computes a network's output in {@link Mode#EVAL}. Targets and a loss are not needed. */
    public Prediction predict(Model model, Batch inputs) {
        return predict(model, inputs, PassOptions.DEFAULT, RunOptions.seed(0));
    }

    /**
     * Computes a network's output: forward only, in chunks that fit the memory budget, with no more in memory than what
     * is still to be read. Targets and a loss are not needed, and no buffer is updated.
     *
     * @param options the mode is {@link Mode#EVAL} unless they say otherwise
     * @param run seed, listener and cancellation
     * @throws BackpackException with everything that does not fit, or as {@link Plan#run(Batch, RunOptions)} says
     */
    public Prediction predict(Model model, Batch inputs, PassOptions options, RunOptions run) {
        return kernel.predict(model, inputs, options, run);
    }

    /**
     * Plans a pass for batches like the given one.
     *
     * @throws io.backpack4j.spi.BackpackException with everything that does not fit
     */
    public Plan plan(Model model, Batch like, List<? extends Request<?>> requests, PassOptions options) {
        return kernel.plan(model, like, List.copyOf(requests), options);
    }

    /**
     * Checks that a pass fits together, without working out how much memory it takes.
     *
     * @throws io.backpack4j.spi.BackpackException with everything that does not fit
     */
    public void check(Model model, Batch like, List<? extends Request<?>> requests, PassOptions options) {
        kernel.check(model, like, List.copyOf(requests), options);
    }

    /** Opens a session that accumulates the gradient and the given extensions for all parameters over batches. */
    public Session session(Model model, Extension<?>... extensions) {
        return session(model, requests(extensions), SessionOptions.DEFAULT);
    }

    /**
     * Opens a session that accumulates over batches.
     *
     * @throws BackpackException with everything asked for that does not merge over batches
     */
    public Session session(Model model, List<? extends Request<?>> requests, SessionOptions options) {
        return kernel.session(model, List.copyOf(requests), options);
    }

    /** Linearises a network at a batch, for products with its Jacobian and with the given matrices. */
    public Linearization linearize(Model model, Batch batch, CurvatureMatrix... matrices) {
        return linearize(model, batch, List.of(matrices), PassOptions.DEFAULT, 0);
    }

    /**
     * Linearises a network at a batch.
     *
     * @param matrices the curvature matrices whose products will be asked for
     * @param options limits of memory, which count vectors and products of one block of columns
     * @param seed of random draws
     * @throws io.backpack4j.spi.BackpackException with everything that does not fit
     */
    public Linearization linearize(
            Model model, Batch batch, Collection<? extends CurvatureMatrix> matrices, PassOptions options, long seed) {
        return kernel.linearize(model, batch, Set.copyOf(matrices), options, seed);
    }

    /** Closes the backend. Models, batches and results must be closed before. */
    @Override
    public void close() {
        kernel.close();
    }

    /**
     * Says how to load the library. What is not said is read from system properties that start with {@code backpack.}.
     */
    public static final class Builder {

        private Optional<String> backend = Optional.empty();
        private Optional<String> backendSource = Optional.empty();
        private OptionalInt threads = OptionalInt.empty();
        private OptionalLong memory = OptionalLong.empty();
        private OptionalLong seed = OptionalLong.empty();
        private Optional<ClassLoader> classLoader = Optional.empty();
        private Properties properties = System.getProperties();

        private Builder() {}

        /** Picks the backend; wins over {@code -Dbackpack.backend}. */
        public Builder backend(String id) {
            backend = Optional.of(id);
            backendSource = Optional.empty();
            return this;
        }

        /**
         * Picks the backend for someone else.
         *
         * @param source where its id comes from, for messages, such as {@code --backend}
         */
        public Builder backend(String id, String source) {
            backend(id);
            backendSource = Optional.of(source);
            return this;
        }

        /**
         * Sets the memory budget of passes whose {@link PassOptions} have none; wins over {@code -Dbackpack.memory}.
         * Unlimited if neither is given.
         *
         * @param bytes what a pass and its results may take beside the model and the batch
         */
        public Builder memory(long bytes) {
            memory = PassOptions.DEFAULT.memory(bytes).memoryBytes();
            return this;
        }

        /**
         * Sets the seed from which passes take theirs ({@link BackPack#compute(Model, Batch, Extension...)}) and
         * parameters that nobody sets are drawn; wins over {@code -Dbackpack.seed}. 0 if neither is given.
         */
        public Builder seed(long number) {
            seed = OptionalLong.of(number);
            return this;
        }

        /**
         * Sets the number of the backend's threads; wins over {@code -Dbackpack.threads}. All processors if neither is
         * given.
         */
        public Builder threads(int count) {
            threads = OptionalInt.of(count);
            return this;
        }

        /** Sets the loader in which plugins are looked for: the thread's own, or this library's, if none is given. */
        public Builder classLoader(ClassLoader loader) {
            classLoader = Optional.of(loader);
            return this;
        }

        /** Replaces the system's properties. */
        public Builder properties(Map<String, String> values) {
            properties = new Properties();
            properties.putAll(values);
            return this;
        }

        /**
         * Finds the plugins.
         *
         * @throws BackpackException with everything that is wrong with plugins and properties
         */
        public BackPack build() {
            Properties all = new Properties(properties);
            memory.ifPresent(bytes -> all.setProperty(KernelSettings.MEMORY, String.valueOf(bytes)));
            seed.ifPresent(number -> all.setProperty(KernelSettings.SEED, String.valueOf(number)));
            KernelSettings settings = KernelSettings.of(backend, backendSource, threads, classLoader, all);
            try {
                Kernel kernel = Guice.createInjector(Stage.PRODUCTION, new KernelModule(settings))
                        .getInstance(Kernel.class);
                return new BackPack(kernel, new PassSeeds(settings.seed()));
            } catch (CreationException e) {
                // Guice wraps what a provider throws, once for each that needs it.
                for (Message message : e.getErrorMessages()) {
                    if (message.getCause() instanceof BackpackException known) {
                        throw known;
                    }
                }
                throw e;
            }
        }
    }
}
