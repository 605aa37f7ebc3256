package io.backpack4j.kernel.internal.pass;

import io.backpack4j.kernel.BatchStatistics;
import io.backpack4j.kernel.Request;
import io.backpack4j.kernel.internal.graph.BoundGraph;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.spi.extension.CondensedSignal;
import io.backpack4j.spi.extension.CurvatureMatrix;
import io.backpack4j.spi.extension.LossGradient;
import io.backpack4j.spi.extension.LossSignal;
import io.backpack4j.spi.extension.ResidualCurvature;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.RowBlock;
import io.backpack4j.spi.module.RowDerivatives;
import io.backpack4j.spi.tensor.DType;
import io.backpack4j.spi.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** What a pass has to do, worked out once: who is needed where, and until when. Immutable. */
public final class PassLayout {

    private final BoundGraph graph;
    private final Loss loss;
    private final DType dtype;
    private final long samples;
    private final List<Request<?>> requests;
    private final List<SiteLayout> sites;
    private final List<List<SignalLayout>> signals;
    private final List<Optional<SignalLayout>> residuals;
    private final List<List<SignalLayout>> waiting;
    private final List<List<Integer>> releasedAfter;
    private final boolean handsOver;
    private final boolean updatesBuffers;
    private final Set<List<Integer>> subsamplings;
    private final PairLayout pairs;
    private final OperandLayout operands;

    /**
     * A signal in one stage.
     *
     * @param signal the signal
     * @param splitsColumns whether its columns may come in blocks
     * @param reaches per node, whether its cotangents must get there
     * @param sitesAt per node, the wanted sites that have a use there
     * @param condenses per node, whether the columns at its output are replaced; only those of a {@link CondensedSignal} are
     */
    record SignalLayout(
            Signal signal, boolean splitsColumns, boolean[] reaches, List<List<SiteUse>> sitesAt, boolean[] condenses) {

        /** The signal, if it starts at the loss. */
        LossSignal source() {
            if (signal instanceof LossSignal source) {
                return source;
            }
            throw new IllegalStateException(signal + " does not start at the loss");
        }
    }

    /**
     * A use of a site at a node.
     *
     * @param site the site
     * @param name the parameter's name within the node
     * @param rows the rows of the parameter that are used; all if empty
     * @param last whether it is the last in backward order, at which the site opens
     */
    record SiteUse(SiteLayout site, String name, Optional<RowBlock> rows, boolean last) {

        /** The shape of what is used. */
        Shape shape() {
            return rows.map(some -> some.of(site.shape())).orElse(site.shape());
        }

        /** The derivatives of what is used, as those of rows. */
        RowDerivatives of(ParameterDerivatives derivatives) {
            return new RowDerivatives(rows.orElseGet(() -> RowBlock.all(site.shape())), derivatives);
        }
    }

    public PassLayout(
            BoundGraph graph, Loss loss, DType dtype, long samples, List<Request<?>> requests, List<SiteLayout> sites) {
        this(graph, loss, dtype, samples, requests, sites, false, false);
    }

    private PassLayout(
            BoundGraph graph,
            Loss loss,
            DType dtype,
            long samples,
            List<Request<?>> requests,
            List<SiteLayout> sites,
            boolean handsOver,
            boolean updatesBuffers) {
        this.handsOver = handsOver;
        this.updatesBuffers = updatesBuffers;
        this.graph = graph;
        this.loss = loss;
        this.dtype = dtype;
        this.samples = samples;
        this.requests = List.copyOf(requests);
        this.sites = List.copyOf(sites);
        this.subsamplings = subsamplings(this.sites);
        this.pairs = new PairLayout(this.sites);
        this.operands = new OperandLayout(this.sites, dtype);
        int stages = requests.stream()
                .mapToInt(request -> request.extension().stages())
                .reduce(1, Math::max);
        List<List<SignalLayout>> perStage = new ArrayList<>();
        List<Optional<SignalLayout>> residualPerStage = new ArrayList<>();
        List<List<SignalLayout>> waitingPerStage = new ArrayList<>();
        for (int stage = 1; stage <= stages; stage++) {
            Map<Signal, List<SiteLayout>> wanted = wantedIn(stage);
            List<SiteLayout> curved = wanted.remove(new ResidualCurvature());
            residualPerStage.add(
                    Optional.ofNullable(curved).map(wantedSites -> layout(new ResidualCurvature(), wantedSites)));
            perStage.add(signalsOf(wanted, residualPerStage.get(stage - 1)));
            waitingPerStage.add(waitingIn(stage));
        }
        this.signals = List.copyOf(perStage);
        this.residuals = List.copyOf(residualPerStage);
        this.waiting = List.copyOf(waitingPerStage);
        this.releasedAfter = releases();
    }

    /** The same for another number of samples. */
    public PassLayout withSamples(long count) {
        return new PassLayout(graph, loss, dtype, count, requests, sites, handsOver, updatesBuffers);
    }

    /** The same with results that leave the pass part by part, where they can. */
    public PassLayout handingOver() {
        return new PassLayout(graph, loss, dtype, samples, requests, sites, true, updatesBuffers);
    }

    /** The same with new numbers of buffers among what comes out. */
    public PassLayout updatingBuffers() {
        return new PassLayout(graph, loss, dtype, samples, requests, sites, handsOver, true);
    }

    /** Whether new numbers of buffers are among what comes out. */
    boolean updatesBuffers() {
        return updatesBuffers;
    }

    /** Whether some node's statistics of the batch are taken as constants. */
    public BatchStatistics statistics() {
        boolean constant = graph.nodes().stream()
                .map(BoundNode::declaration)
                .anyMatch(declaration -> declaration.needsWholeBatch() && !declaration.couplesSamples());
        return constant ? BatchStatistics.CONSTANT : BatchStatistics.DIFFERENTIATED;
    }

    /** Whether results leave the pass part by part, where they can. */
    boolean handsOver() {
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

    /** Who makes a result, given its name. */
    public Optional<Part> maker(String result) {
        return requests.stream()
                .filter(request -> (result + "/").contains("/" + request.name() + "/"))
                .map(request -> Part.of(request.extension()))
                .findFirst();
    }

    List<Request<?>> requests() {
        return requests;
    }

    /** What runs bring. */
    public OperandLayout operands() {
        return operands;
    }

    List<SiteLayout> sites() {
        return sites;
    }

    /** Which signals meet where. */
    PairLayout pairs() {
        return pairs;
    }

    /** A request's groups of parameters by its own names. */
    public Map<String, GroupKey> groups(Request<?> request) {
        return pairs.groups(request);
    }

    int stages() {
        return signals.size();
    }

    List<SignalLayout> signals(int stage) {
        return signals.get(stage - 1);
    }

    /**
     * The signals that chunks are walked with once more at the end of a stage, to the sites where results {@linkplain SiteLayout#waits wait} for those of the
     * whole batch.
     */
    List<SignalLayout> waiting(int stage) {
        return waiting.get(stage - 1);
    }

    /** The curvature of non-linear nodes, if a stage wants it. It is not one of {@link #signals}, which start at the loss. */
    Optional<SignalLayout> residual(int stage) {
        return residuals.get(stage - 1);
    }

    /** The extensions that want the curvature of non-linear nodes. */
    Set<String> extensionsWithResidual() {
        Set<String> types = new LinkedHashSet<>();
        for (SiteLayout site : sites) {
            for (SiteRequest request : site.requests()) {
                if (request.wantsResidual()) {
                    types.add(request.request().extension().type());
                }
            }
        }
        return types;
    }

    /** The nodes whose outputs nobody needs once the given node is evaluated. */
    List<Integer> releasedAfter(int node) {
        return releasedAfter.get(node);
    }

    /** Whether the batch may come in chunks. */
    public boolean splitsSamples() {
        return sites.stream().allMatch(SiteLayout::splitsSamples)
                && distinctSignals().stream().noneMatch(CondensedSignal.class::isInstance)
                && graph.nodes().stream().noneMatch(node -> node.declaration().needsWholeBatch());
    }

    /** What the memory that a chunk takes depends on: how many samples it has, and which of them are wanted where only some are. */
    Object kindOfChunk(long from, long to) {
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
        return signals.stream().flatMap(List::stream).anyMatch(layout -> layout.condenses()[node]);
    }

    /** The sites. */
    public List<SiteLayout> siteLayouts() {
        return sites;
    }

    /** The matrices of whose blocks products are wanted. */
    public Set<CurvatureMatrix> matrices() {
        Set<CurvatureMatrix> matrices = new LinkedHashSet<>();
        sites.forEach(site -> site.requests()
                .forEach(request -> matrices.addAll(request.products().values())));
        return matrices;
    }

    /** All signals of all stages. */
    public Set<Signal> distinctSignals() {
        Set<Signal> distinct = new LinkedHashSet<>();
        signals.forEach(stage -> stage.forEach(layout -> distinct.add(layout.signal())));
        residuals.forEach(stage -> stage.ifPresent(layout -> distinct.add(layout.signal())));
        return distinct;
    }

    private Map<Signal, List<SiteLayout>> wantedIn(int stage) {
        Map<Signal, List<SiteLayout>> wanted = new LinkedHashMap<>();
        for (SiteLayout site : sites) {
            for (Signal signal : site.signals(stage)) {
                wanted.computeIfAbsent(signal, key -> new ArrayList<>()).add(site);
            }
        }
        return wanted;
    }

    private List<SignalLayout> waitingIn(int stage) {
        Map<Signal, List<SiteLayout>> wanted = new LinkedHashMap<>();
        for (SiteLayout site : sites) {
            site.accumulators().stream()
                    .filter(key -> key.stage() == stage && site.waits(key))
                    .map(AccumulatorKey::signal)
                    .distinct()
                    .forEach(signal -> wanted.computeIfAbsent(signal, absent -> new ArrayList<>())
                            .add(site));
        }
        return signalsOf(wanted, Optional.empty());
    }

    private List<SignalLayout> signalsOf(Map<Signal, List<SiteLayout>> wanted, Optional<SignalLayout> residual) {
        if (residual.isPresent()) {
            wanted.putIfAbsent(new LossGradient(), List.of());
        }
        List<SignalLayout> layouts = new ArrayList<>();
        wanted.forEach((signal, wantedSites) -> {
            SignalLayout layout = layout(signal, wantedSites);
            if (residual.isPresent() && signal instanceof LossGradient) {
                // Curvature is made of the gradient.
                for (int node = 0; node < layout.reaches().length; node++) {
                    layout.reaches()[node] |= residual.get().reaches()[node];
                }
            }
            layouts.add(layout);
        });
        return layouts;
    }

    private SignalLayout layout(Signal signal, List<SiteLayout> wantedSites) {
        int count = graph.nodes().size();
        List<List<SiteUse>> sitesAt = new ArrayList<>();
        for (int node = 0; node < count; node++) {
            sitesAt.add(new ArrayList<>());
        }
        for (SiteLayout site : wantedSites) {
            // Backward order, also of two uses at one node.
            for (int i = site.uses().size() - 1; i >= 0; i--) {
                BoundGraph.Use use = site.uses().get(i);
                sitesAt.get(use.node()).add(new SiteUse(site, use.name(), use.rows(), i == 0));
            }
        }
        boolean[] reaches = new boolean[count];
        for (BoundNode node : graph.nodes()) {
            reaches[node.index()] = !sitesAt.get(node.index()).isEmpty()
                    || node.inputs().stream().anyMatch(source -> source.fromNode() && reaches[source.index()]);
        }
        if (signal instanceof CondensedSignal condensed) {
            return new SignalLayout(
                    signal, false, reaches, sitesAt, Condensing.nodes(graph, condensed, reaches, sitesAt));
        }
        boolean splits = wantedSites.stream().allMatch(site -> site.splitsColumns(signal));
        return new SignalLayout(signal, splits, reaches, sitesAt, new boolean[count]);
    }

    private List<List<Integer>> releases() {
        int count = graph.nodes().size();
        boolean[] reached = new boolean[count];
        for (List<SignalLayout> stage : signals) {
            for (SignalLayout layout : stage) {
                for (int node = 0; node < count; node++) {
                    reached[node] |= layout.reaches()[node];
                }
            }
        }
        boolean[] kept = new boolean[count];
        Map<Integer, Integer> lastReader = new HashMap<>();
        kept[graph.output()] = true;
        for (BoundNode node : graph.nodes()) {
            kept[node.index()] |= reached[node.index()] && node.declaration().retainsOutput();
            for (BoundNode.Source source : node.inputs()) {
                if (source.fromNode()) {
                    lastReader.put(source.index(), node.index());
                    kept[source.index()] |=
                            reached[node.index()] && node.declaration().retainsInputs();
                }
            }
        }
        List<List<Integer>> released = new ArrayList<>();
        for (int node = 0; node < count; node++) {
            released.add(new ArrayList<>());
        }
        lastReader.forEach((value, reader) -> {
            if (!kept[value]) {
                released.get(reader).add(value);
            }
        });
        return released;
    }
}
