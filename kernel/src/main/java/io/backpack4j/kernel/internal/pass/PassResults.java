// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.KernelProblems;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.Results;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.BlockProduct;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The results of a pass, owned by one scope. */
public final class PassResults implements Results {

    private final Backend backend;
    private final TensorScope scope;
    private final Tensor loss;
    private final Optional<Tensor> output;
    private final Optional<Tensor> lossPerSample;
    private final Map<String, Tensor> gradients = new HashMap<>();
    private final Map<Extension<?>, Map<String, Object>> values = new HashMap<>();
    private final Map<Extension<?>, Object> ofNetwork = new HashMap<>();
    private final SortedMap<String, Tensor> tensors = new TreeMap<>();
    private final Set<String> variable = new HashSet<>();
    private final SortedMap<String, BlockProduct> products = new TreeMap<>();
    private final BatchStatistics statistics;
    private Runnable closing = () -> {};
    private @Nullable BufferUpdates updates;

    PassResults(
            Backend backend,
            TensorScope scope,
            Tensor loss,
            Optional<Tensor> output,
            Optional<Tensor> lossPerSample,
            BatchStatistics statistics) {
        this.statistics = statistics;
        this.backend = backend;
        this.scope = scope;
        this.loss = loss;
        this.output = output;
        this.lossPerSample = lossPerSample;
        tensors.put("loss", loss);
        output.ifPresent(tensor -> tensors.put("output", tensor));
        lossPerSample.ifPresent(tensor -> tensors.put("loss_batch", tensor));
    }

    void addGradient(String parameter, Tensor gradient) {
        gradients.put(parameter, gradient);
        tensors.put(parameter + "/grad", gradient);
    }

    void add(Request<?> request, String parameter, Object value, Map<String, Tensor> exported) {
        values.computeIfAbsent(request.extension(), absent -> new HashMap<>()).put(parameter, value);
        if (value instanceof BlockProduct product) {
            products.put(parameter + "/" + request.name(), product);
        }
        exported.forEach((suffix, tensor) -> putOf(request, name(parameter, request, suffix), tensor));
    }

    void addNetwork(Request<?> request, Map<String, Tensor> exported) {
        exported.forEach((suffix, tensor) -> putOf(request, "*/" + ofNetwork(request, suffix), tensor));
    }

    /** A name of its own stands for that of the results, unless a request gave them another. */
    private static String ofNetwork(Request<?> request, String suffix) {
        if (!suffix.startsWith("/")) {
            return join(request.name(), suffix);
        }
        String own = suffix.substring(1);
        Extension<?> extension = request.extension();
        String standard = PluginCalls.call(Part.of(extension), "in its name", extension::resultName);
        return request.name().equals(standard) ? own : join(request.name(), own);
    }

    void addNetwork(NetworkExtension<?, ?> extension, Object value) {
        ofNetwork.put(extension, value);
    }

    private void putOf(Request<?> request, String name, Tensor tensor) {
        scope.adopt(tensor);
        tensors.put(name, tensor);
        Extension<?> extension = request.extension();
        if (PluginCalls.call(Part.of(extension), "in its sizes", extension::hasVariableSizes)) {
            variable.add(name);
        }
    }

    /** The instance that keeps them. */
    public Backend backend() {
        return backend;
    }

    /** Whether they were closed. */
    public boolean isClosed() {
        return loss.isClosed();
    }

    /** Whether a result may be smaller than planned. */
    public boolean isVariable(String name) {
        return variable.contains(name);
    }

    /** The name of a parameter's result. */
    static String name(String parameter, Request<?> request, String suffix) {
        return parameter + "/" + join(request.name(), suffix);
    }

    private static String join(String name, String suffix) {
        return suffix.isEmpty() ? name : name + "/" + suffix;
    }

    @Override
    public double loss() {
        return loss.item();
    }

    @Override
    public Tensor output() {
        return output.orElseThrow(() -> new BackpackException(
                KernelProblems.UNKNOWN_RESULT,
                "The session did not keep the network's outputs. Open it with SessionOptions.keepOutputs()."));
    }

    @Override
    public Tensor lossPerSample() {
        return lossPerSample.orElseThrow(
                () -> new BackpackException(
                        KernelProblems.UNKNOWN_RESULT,
                        "The session did not keep the unreduced losses. Open it with SessionOptions.perSample(PerSample.KEEP)."));
    }

    @Override
    public Tensor gradient(String parameter) {
        Tensor gradient = gradients.get(parameter);
        if (gradient == null) {
            throw new BackpackException(
                    CommonProblems.UNKNOWN_PARAMETER,
                    "There is no gradient of '%s'. Parameters: %s."
                            .formatted(parameter, String.join(", ", new TreeMap<>(gradients).keySet())));
        }
        return gradient;
    }

    @Override
    @SuppressWarnings("unchecked") // add() stores what the extension's own finish() returned
    public <R> R get(Extension<R> extension, String parameter) {
        Map<String, Object> ofExtension = values.get(extension);
        if (ofExtension == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_RESULT,
                    "Extension %s was not part of this pass. Part of it: %s."
                            .formatted(
                                    extension,
                                    values.keySet().stream()
                                            .map(Object::toString)
                                            .sorted()
                                            .toList()));
        }
        Object value = ofExtension.get(parameter);
        if (value == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_RESULT,
                    "Extension %s has no result for '%s'. It has: %s."
                            .formatted(
                                    extension.type(),
                                    parameter,
                                    String.join(", ", new TreeMap<>(ofExtension).keySet())));
        }
        return (R) value;
    }

    @Override
    @SuppressWarnings("unchecked") // addNetwork() stores what the extension's own finishNetwork() returned
    public <W> W network(NetworkExtension<?, W> extension) {
        Object value = ofNetwork.get(extension);
        if (value == null) {
            throw new BackpackException(
                    KernelProblems.UNKNOWN_RESULT,
                    "Extension %s has no result of the network in this pass. Those that have: %s."
                            .formatted(
                                    extension,
                                    ofNetwork.keySet().stream()
                                            .map(Object::toString)
                                            .sorted()
                                            .toList()));
        }
        return (W) value;
    }

    @Override
    public SortedMap<String, Tensor> tensors() {
        return Collections.unmodifiableSortedMap(tensors);
    }

    @Override
    public SortedMap<String, BlockProduct> products() {
        return Collections.unmodifiableSortedMap(products);
    }

    /** Reads a number of each: a backend may need memory to bring elements into order, and takes it now. */
    public void settle() {
        tensors.values().forEach(PassResults::settle);
    }

    /** Reads a number of a tensor. */
    public static void settle(Tensor tensor) {
        if (tensor.shape().elements() > 0 && tensor.dtype() != DType.INT64) {
            tensor.read(0, new double[1], 0, 1);
        }
    }

    @Override
    public BatchStatistics statistics() {
        return statistics;
    }

    /** Takes over what the pass made of buffers; it is closed with the results. */
    void updating(BufferUpdates other) {
        updates = other;
    }

    /**
     * Gives buffers the numbers that they have after the pass.
     *
     * @param buffers by full name
     */
    public void updateBuffers(Function<String, Tensor> buffers) {
        if (updates != null) {
            updates.apply(buffers);
            closeUpdates();
        }
    }

    private void closeUpdates() {
        if (updates != null) {
            updates.close();
            updates = null;
        }
    }

    /** Sets what is closed with the results. */
    void closing(Runnable action) {
        closing = action;
    }

    @Override
    public void close() {
        closing.run();
        closeUpdates();
        scope.close();
    }
}
