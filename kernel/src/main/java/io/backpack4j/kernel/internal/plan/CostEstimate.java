// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Cost;
import io.backpack4j.kernel.ResultTaker;
import io.backpack4j.kernel.internal.cost.MachineSpeeds;
import io.backpack4j.kernel.internal.dryrun.DryRunBackend;
import io.backpack4j.kernel.internal.dryrun.WorkMeter;
import io.backpack4j.kernel.internal.dryrun.WorkMeter.Direction;
import io.backpack4j.kernel.internal.dryrun.WorkMeter.Place;
import io.backpack4j.kernel.internal.evaluation.PassInputs;
import io.backpack4j.kernel.internal.evaluation.PassObserver;
import io.backpack4j.kernel.internal.graph.BoundNode;
import io.backpack4j.kernel.internal.layout.PassLayout;
import io.backpack4j.kernel.internal.layout.Splitting;
import io.backpack4j.kernel.internal.linearization.NetworkProducts;
import io.backpack4j.kernel.internal.pass.FiniteCheck;
import io.backpack4j.kernel.internal.pass.PassResults;
import io.backpack4j.kernel.internal.pass.PassRun;
import io.backpack4j.spi.extension.Signal;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.tensor.Tensor;
import io.backpack4j.spi.tensor.TensorScope;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Works out what a pass costs: the operations of a dry run at the speeds of the machine. */
final class CostEstimate {

    /** A pass that is expected to take no longer is rehearsed for its memory. */
    private static final double REHEARSED_SECONDS = 5;

    private final PassLayout layout;
    private final FiniteCheck finiteCheck;
    private final PlanTrial trial;
    private final Rehearsal rehearsal;
    private final MachineSpeeds speeds;

    CostEstimate(
            PassLayout layout, FiniteCheck finiteCheck, PlanTrial trial, Rehearsal rehearsal, MachineSpeeds speeds) {
        this.layout = layout;
        this.finiteCheck = finiteCheck;
        this.trial = trial;
        this.rehearsal = rehearsal;
        this.speeds = speeds;
    }

    /**
     * Works it out.
     *
     * @param planned the splitting, and its peak
     * @param isExact whether that peak was rehearsed when the plan was made
     */
    Cost of(TrialOutcome planned, boolean isExact) {
        Map<Place, Work> works = works(planned.splitting());
        double seconds = works.values().stream().mapToDouble(Work::seconds).sum();
        double operations =
                works.values().stream().mapToDouble(Work::operations).sum();
        Optional<SplittingSearch.Measured> measured = isExact || seconds > REHEARSED_SECONDS || !trial.isMeasured()
                ? Optional.empty()
                : trial.measure(planned, Long.MAX_VALUE);
        long peak = measured.map(SplittingSearch.Measured::peakBytes).orElse(planned.peakBytes());
        List<Cost.NodeCost> nodes = new ArrayList<>();
        for (BoundNode node : layout.graph().nodes()) {
            String name = node.node().name();
            Work forward = works.getOrDefault(new Place(name, Direction.FORWARD), Work.NONE);
            Work backward = works.getOrDefault(new Place(name, Direction.BACKWARD), Work.NONE);
            nodes.add(new Cost.NodeCost(
                    name, forward.operations(), backward.operations(), forward.seconds(), backward.seconds()));
        }
        var machine = new Cost.Machine(speeds.operationsPerSecond(), speeds.bytesPerSecond());
        return new Cost(seconds, peak, isExact || measured.isPresent(), operations, nodes, machine);
    }

    /** Work at a place. */
    private record Work(double operations, double seconds) {
        private static final Work NONE = new Work(0, 0);
    }

    private Map<Place, Work> works(Splitting splitting) {
        try (DryRunBackend dry = new DryRunBackend("cost");
                TensorScope given = dry.openScope()) {
            PassInputs inputs = trial.imitated(given).withOperands(rehearsal.operands(dry, given), Optional.empty());
            Watch watch = new Watch(dry.meter());
            ResultTaker taker = (name, whole, origin, part) -> finiteCheck.isFinite(Map.of(name, part));
            try (PassResults results =
                    PassRun.run(layout, splitting, dry, inputs.watchedBy(watch), NetworkProducts.FACTORY, taker)) {
                watch.made();
                results.tensors().values().forEach(dry.reductions()::allFinite);
            }
            Map<Place, Work> works = new HashMap<>();
            dry.meter().places().forEach((place, calls) -> {
                double seconds = 0;
                double operations = 0;
                for (Map.Entry<WorkMeter.Call, Long> call : calls.entrySet()) {
                    seconds += call.getValue() * speeds.seconds(call.getKey());
                    operations += call.getValue() * call.getKey().operations();
                }
                double times = watch.times(place);
                works.put(place, new Work(times * operations, times * seconds));
            });
            return works;
        }
    }

    /** Says where a pass is. Of products with unit vectors, which are alike, some are made and all are counted. */
    private static final class Watch implements PassObserver {

        private static final Place NOWHERE = new Place("", Direction.ELSEWHERE);

        private final WorkMeter meter;
        private final Map<String, Double> wanted = new HashMap<>();
        private final Map<String, Double> made = new HashMap<>();

        Watch(WorkMeter meter) {
            this.meter = meter;
        }

        double times(Place place) {
            return place.direction() == Direction.UNIT_PRODUCTS
                    ? wanted.getOrDefault(place.what(), 1.0) / made.getOrDefault(place.what(), 1.0)
                    : 1;
        }

        @Override
        public boolean isRehearsal() {
            return true;
        }

        @Override
        public void chunk(int stage, long fromSample, long toSample) {
            meter.place(NOWHERE);
        }

        @Override
        public void columns(Signal signal, Block block, long columns) {
            meter.place(NOWHERE);
        }

        @Override
        public void made() {
            meter.place(NOWHERE);
        }

        @Override
        public void evaluated(Tensor values, long fromSample) {
            meter.place(NOWHERE);
        }

        @Override
        public void unitProducts(String parameter, long elements, long blocks, long times) {
            wanted.merge(parameter, (double) blocks * times, Double::sum);
        }

        @Override
        public void unitProduct(String parameter, long fromElement, long toElement) {
            made.merge(parameter, 1.0, Double::sum);
            meter.place(new Place(parameter, Direction.UNIT_PRODUCTS));
        }

        @Override
        public void forward(BoundNode node) {
            meter.place(new Place(node.node().name(), Direction.FORWARD));
        }

        @Override
        public void backward(BoundNode node, Signal signal, Tensor arrived, Block block) {
            meter.place(new Place(node.node().name(), Direction.BACKWARD));
        }
    }
}
