// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.layout.AccumulatorKey;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.SiteRequest;
import io.backpack4j.spi.BackpackException;
import io.backpack4j.spi.CommonProblems;
import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.NetworkExtension;
import io.backpack4j.spi.extension.NetworkProduct;
import io.backpack4j.spi.extension.SitePartial;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.Operand;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.DoubleSupplier;
import java.util.function.Function;

/**
 * Lets extensions make results of what was accumulated: folds after a stage, and in the end the results of every
 * parameter.
 */
final class Finish {

    private final PassLayout layout;
    private final Backend backend;
    private final Numbers numbers;
    private final List<SiteState> sites;
    private final PairSums sums;
    private final NodeSums nodes;
    private final SitePartialView.ProductMaker products;
    private final Function<CurvatureMatrix, NetworkProduct> networkProducts;
    private final TensorScope partials;
    private final HandOver handOver;
    private final GivenOperands operands;
    private final Map<Request<?>, Map<String, Tensor>> folded = new HashMap<>();

    /**
     * What results are scaled by.
     *
     * @param normaliser the loss's factor
     * @param mean gives the factor that a mean would have, which few ask for
     * @param trial whether all numbers mean nothing
     */
    record Numbers(double normaliser, DoubleSupplier mean, boolean trial) {}

    /**
     * @param partials owns what is folded
     * @param handOver what left already
     * @param operands what the run brought
     */
    Finish(
            PassLayout layout,
            Backend backend,
            Numbers numbers,
            List<SiteState> sites,
            PairSums sums,
            NodeSums nodes,
            SitePartialView.ProductMaker products,
            Function<CurvatureMatrix, NetworkProduct> networkProducts,
            TensorScope partials,
            HandOver handOver,
            GivenOperands operands) {
        this.operands = operands;
        this.handOver = handOver;
        this.layout = layout;
        this.backend = backend;
        this.numbers = numbers;
        this.sites = sites;
        this.sums = sums;
        this.nodes = nodes;
        this.products = products;
        this.networkProducts = networkProducts;
        this.partials = partials;
    }

    /** A site's partial results as an extension sees them. */
    SitePartialView view(SiteState site, SiteRequest request, TensorScope scope) {
        Map<String, Tensor> tensors = folded.getOrDefault(request.request(), Map.of());
        return new SitePartialView(
                site,
                request,
                layout.samples(),
                numbers.normaliser(),
                tensors,
                sums::of,
                products,
                operands,
                backend,
                scope);
    }

    /** Folds a stage over the network. */
    void fold(int stage) {
        for (Request<?> request : layout.requests()) {
            Extension<?> extension = request.extension();
            NetworkPartialView partial = network(request, partials);
            if (extension.stages() >= stage && !partial.isEmpty()) {
                Map<String, Tensor> tensors = new HashMap<>(folded.getOrDefault(request, Map.of()));
                tensors.putAll(
                        PluginCalls.call(Part.of(extension), "in its fold", () -> extension.fold(stage, partial)));
                folded.put(request, tensors);
            }
        }
    }

    /** Makes a request's view of the whole network. */
    private NetworkPartialView network(Request<?> request, TensorScope scope) {
        List<SitePartial> views = new ArrayList<>();
        for (SiteState site : sites) {
            requestAt(site, request).ifPresent(own -> views.add(view(site, own, scope)));
        }
        return new NetworkPartialView(
                views,
                nodes.views(request),
                layout.samples(),
                numbers,
                layout.dtype(),
                new NetworkPartialView.Tensors(
                        request.extension().type(),
                        layout.groups(request),
                        sums,
                        folded.getOrDefault(request, Map.of())),
                operands,
                networkProducts,
                PassLayout.matrices(request),
                backend,
                scope);
    }

    private static Optional<SiteRequest> requestAt(SiteState site, Request<?> request) {
        for (SiteRequest own : site.layout().requests()) {
            if (own.request().equals(request)) {
                return Optional.of(own);
            }
        }
        return Optional.empty();
    }

    /** What an extension folded for a signal. */
    Tensor folded(Operand operand) {
        for (Map.Entry<Request<?>, Map<String, Tensor>> own : folded.entrySet()) {
            Tensor tensor = own.getValue().get(operand.name());
            if (own.getKey().extension().equals(operand.owner()) && tensor != null) {
                return tensor;
            }
        }
        throw new BackpackException(
                CommonProblems.UNKNOWN_OPERAND,
                "A signal takes '%s' of %s, which folded no such tensor in an earlier stage."
                        .formatted(operand.name(), operand.owner()));
    }

    /** Adds the results of all parameters and of the network. */
    void finish(PassResults finished, TensorScope results) {
        AccumulatorKey gradient = new AccumulatorKey(1, new LossGradient(), new Contraction.Sum());
        for (SiteState site : sites) {
            Tensor sum = site.accumulator(gradient).results().get(0);
            finished.addGradient(
                    site.layout().parameter(), results.view(sum, site.layout().shape()));
        }
        finishRequests(finished, results);
    }

    /** Adds the results of all requests, without the gradient. */
    void finishRequests(PassResults finished, TensorScope results) {
        for (Request<?> request : layout.requests()) {
            finish(request, finished, results);
        }
    }

    private <R> void finish(Request<R> request, PassResults finished, TensorScope results) {
        Extension<R> extension = request.extension();
        Part part = Part.of(extension);
        for (SiteState site : sites) {
            Optional<SiteRequest> own = requestAt(site, request);
            if (own.isPresent() && !handOver.takes(own.get(), site.layout())) {
                String parameter = site.layout().parameter();
                R result = PluginCalls.call(
                        part,
                        () -> "when it finished '" + parameter + "'",
                        () -> extension.finish(view(site, own.get(), results)));
                Map<String, Tensor> exported =
                        PluginCalls.call(part, "when it named its results", () -> extension.export(result));
                finished.add(request, parameter, result, checked(part, exported));
            }
        }
        Map<String, Tensor> tensors = folded.getOrDefault(request, Map.of());
        Map<String, Tensor> exported =
                PluginCalls.call(part, "when it named its results", () -> extension.exportNetwork(tensors));
        finished.addNetwork(request, checked(part, exported));
        if (extension instanceof NetworkExtension<?, ?> whole) {
            finishNetwork(request, whole, finished, results);
        }
    }

    private <W> void finishNetwork(
            Request<?> request, NetworkExtension<?, W> extension, PassResults finished, TensorScope results) {
        NetworkPartialView partial = network(request, results);
        if (partial.isEmpty()) {
            return;
        }
        Part part = Part.of(extension);
        W result = PluginCalls.call(part, "when it finished the network", () -> extension.finishNetwork(partial));
        Map<String, Tensor> exported =
                PluginCalls.call(part, "when it named its results", () -> extension.exportNetworkResult(result));
        finished.addNetwork(extension, result);
        finished.addNetwork(request, checked(part, exported));
    }

    /** Whether results have the planned shapes is seen when all are there. */
    private static Map<String, Tensor> checked(Part part, Map<String, Tensor> exported) {
        exported.forEach((suffix, tensor) ->
                PluginCalls.requireOpen(part, suffix.isEmpty() ? "a result" : "its result '" + suffix + "'", tensor));
        return exported;
    }
}
