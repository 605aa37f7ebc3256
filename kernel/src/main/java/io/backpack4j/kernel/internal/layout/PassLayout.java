// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.layout;

import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.calls.Part;
import io.backpack4j.kernel.internal.calls.PluginCalls;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.backend.Precision;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.tensor.DType;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;

/** Layout of a pass, worked out once: who is needed where, and until when. Immutable. */
public final class PassLayout {

    private final BoundGraph graph;
    private final Loss loss;
    private final DType dtype;
    private final long samples;
    private final List<Request<?>> requests;
    private final List<SiteLayout> sites;
    private final List<StageLayout> stages;
    private final List<List<Integer>> releasedAfter;
    private final boolean handsOver;
    private final boolean updatesBuffers;
    private final Precision precision;
    private final Set<List<Integer>> subsamplings;
    private final PairLayout pairs;
    private final OperandLayout operands;
    private final List<NodeLayout> observed;
    private final BatchStatistics statistics;
    private final boolean hasDiagonals;

    public PassLayout(
            BoundGraph graph, Loss loss, DType dtype, long samples, List<Request<?>> requests, List<SiteLayout> sites) {
        this(graph, loss, dtype, samples, requests, sites, false, false, Precision.FULL);
    }

    private PassLayout(
            BoundGraph graph,
            Loss loss,
            DType dtype,
            long samples,
            List<Request<?>> requests,
            List<SiteLayout> sites,
            boolean handsOver,
            boolean updatesBuffers,
            Precision precision) {
        this.handsOver = handsOver;
        this.updatesBuffers = updatesBuffers;
        this.precision = precision;
        this.graph = graph;
        this.loss = loss;
        this.dtype = dtype;
        this.samples = samples;
        this.requests = List.copyOf(requests);
        this.sites = List.copyOf(sites);
        this.subsamplings = subsamplings(this.sites);
        this.pairs = new PairLayout(this.sites);
        this.operands = new OperandLayout(this.sites, dtype);
        this.observed = NodeLayout.of(graph.writtenNodes(), this.requests);
        int count = requests.stream()
                .mapToInt(request -> request.extension().stages())
                .reduce(1, Math::max);
        StageLayouts layouts = new StageLayouts(graph, this.sites);
        this.stages = IntStream.rangeClosed(1, count).mapToObj(layouts::stage).toList();
        this.releasedAfter = Releases.of(graph, this.stages);
        this.statistics = statistics(graph);
        this.hasDiagonals = this.sites.stream()
                .flatMap(site -> site.requests().stream())
                .anyMatch(request -> !request.diagonals().isEmpty());
    }

    /** The same for another number of samples. */
    public PassLayout withSamples(long count) {
        return new PassLayout(graph, loss, dtype, count, requests, sites, handsOver, updatesBuffers, precision);
    }

    /** The same with results that leave the pass part by part, where they can. */
    public PassLayout handingOver() {
        return new PassLayout(graph, loss, dtype, samples, requests, sites, true, updatesBuffers, precision);
    }

    /** The same with new numbers of buffers among what comes out. */
    public PassLayout updatingBuffers() {
        return new PassLayout(graph, loss, dtype, samples, requests, sites, handsOver, true, precision);
    }

    /** The same with products of sampled quantities in another precision. */
    public PassLayout with(Precision ofSampled) {
        return new PassLayout(graph, loss, dtype, samples, requests, sites, handsOver, updatesBuffers, ofSampled);
    }

    /** In which precision the columns of a signal travel and are contracted. */
    public Precision precision(Signal signal) {
        return signal instanceof LossSignal source && source.isSampled() ? precision : Precision.FULL;
    }

    /** Whether new numbers of buffers are among what comes out. */
    public boolean updatesBuffers() {
        return updatesBuffers;
    }

    /** Whether some node's statistics of the batch are taken as constants. */
    public BatchStatistics statistics() {
        return statistics;
    }

    private static BatchStatistics statistics(BoundGraph graph) {
        boolean constant = graph.nodes().stream()
                .map(BoundNode::declaration)
                .anyMatch(declaration -> declaration.needsWholeBatch() && !declaration.couplesSamples());
        return constant ? BatchStatistics.CONSTANT : BatchStatistics.DIFFERENTIATED;
    }

    /** Whether results leave the pass part by part, where they can. */
    public boolean handsOver() {
        return handsOver;
    }

    public BoundGraph graph() {
        return graph;
    }

    public Loss loss() {
        return loss;
    }

    public DType dtype() {
        return dtype;
    }

    public long samples() {
        return samples;
    }

    /** Finds the maker of a result, given its name. */
    public Optional<Part> maker(String result) {
        return requests.stream()
                .filter(request -> (result + "/").contains("/" + request.name() + "/"))
                .map(request -> Part.of(request.extension()))
                .findFirst();
    }

    public List<Request<?>> requests() {
        return requests;
    }

    /** Operands that runs bring. */
    public OperandLayout operands() {
        return operands;
    }

    public List<SiteLayout> sites() {
        return sites;
    }

    /** The nodes whose outputs extensions observe, in the order of the network. */
    public List<NodeLayout> observed() {
        return observed;
    }

    /** Which signals meet where. */
    public PairLayout pairs() {
        return pairs;
    }

    /** A request's groups of parameters by its own names. */
    public Map<String, GroupKey> groups(Request<?> request) {
        return pairs.groups(request);
    }

    public int stages() {
        return stages.size();
    }

    public List<SignalLayout> signals(int stage) {
        return stages.get(stage - 1).signals();
    }

    /**
     * The signals that chunks are walked with once more at the end of a stage, to the sites where results
     * {@linkplain SiteLayout#waits wait} for those of the whole batch.
     */
    public List<SignalLayout> waiting(int stage) {
        return stages.get(stage - 1).waiting();
    }

    /**
     * The curvature of non-linear nodes, if a stage wants it. It is not one of {@link #signals}, which start at the
     * loss.
     */
    public Optional<SignalLayout> residual(int stage) {
        return stages.get(stage - 1).residual();
    }

    /** The extensions that want the curvature of non-linear nodes. */
    public Set<Extension<?>> extensionsWithResidual() {
        Set<Extension<?>> extensions = new LinkedHashSet<>();
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                if (request.wantsResidual()) {
                    extensions.add(request.request().extension());
                }
            }
        }
        return extensions;
    }

    /** Whether diagonals of matrices are made by products with unit vectors. */
    public boolean hasDiagonals() {
        return hasDiagonals;
    }

    /** The matrices whose diagonals are made by products with unit vectors. */
    public Set<CurvatureMatrix> matricesOfDiagonals() {
        Set<CurvatureMatrix> matrices = new LinkedHashSet<>();
        sites.forEach(site -> site.requests()
                .forEach(request -> matrices.addAll(request.diagonals().values())));
        return matrices;
    }

    /** The nodes whose outputs nobody needs once the given node is evaluated. */
    public List<Integer> releasedAfter(int node) {
        return releasedAfter.get(node);
    }

    /** Whether the batch may come in chunks. */
    public boolean splitsSamples() {
        return sites.stream().allMatch(SiteLayout::splitsSamples)
                && distinctSignals().stream().noneMatch(CondensedSignal.class::isInstance)
                && graph.nodes().stream().noneMatch(node -> node.declaration().needsWholeBatch());
    }

    /**
     * Kind of a chunk, on which the memory that it takes depends: how many samples it has, and which of them are wanted
     * where only some are.
     */
    public Object kindOfChunk(long from, long to) {
        List<Object> kind = new ArrayList<>(List.of(to - from));
        for (List<Integer> wanted : subsamplings) {
            kind.add(wanted.stream()
                    .filter(sample -> sample >= from && sample < to)
                    .map(sample -> sample - from)
                    .toList());
        }
        return kind;
    }

    private static Set<List<Integer>> subsamplings(List<SiteLayout> sites) {
        Set<List<Integer>> subsamplings = new LinkedHashSet<>();
        for (SiteLayout site : sites) {
            for (AccumulatorKey key : site.accumulators()) {
                key.contraction().subsampling().ifPresent(subsamplings::add);
            }
        }
        return subsamplings;
    }

    /** Whether a signal's columns at the output of a node are replaced by as many as it has elements. */
    public boolean condensesAt(int node) {
        return stages.stream().flatMap(stage -> stage.signals().stream()).anyMatch(layout -> layout.condenses()[node]);
    }

    /** The matrices with which, or with whose blocks, results or extensions multiply. */
    public Set<CurvatureMatrix> matrices() {
        Set<CurvatureMatrix> matrices = new LinkedHashSet<>();
        sites.forEach(site -> site.requests()
                .forEach(request -> matrices.addAll(request.products().values())));
        requests.forEach(request -> matrices.addAll(matrices(request)));
        return matrices;
    }

    /** The matrices of the whole network with which a request's extension multiplies. */
    public static Set<CurvatureMatrix> matrices(Request<?> request) {
        Extension<?> extension = request.extension();
        return PluginCalls.call(Part.of(extension), "as it named matrices", extension::networkMatrices);
    }

    /** Signals of all stages. */
    public Set<Signal> distinctSignals() {
        Set<Signal> distinct = new LinkedHashSet<>();
        stages.forEach(stage -> stage.signals().forEach(layout -> distinct.add(layout.signal())));
        stages.forEach(stage -> stage.residual().ifPresent(layout -> distinct.add(layout.signal())));
        return distinct;
    }
}
