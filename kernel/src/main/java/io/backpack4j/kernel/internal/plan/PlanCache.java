package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Model;
import io.backpack4j.kernel.PassOptions;
import io.backpack4j.kernel.Plan;
import io.backpack4j.kernel.Request;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Keeps the last plans, so that equal passes are planned once. Safe for threads. */
public final class PlanCache {

    private static final int CAPACITY = 32;

    private final Map<ModelKey, Plan> plans = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ModelKey, Plan> eldest) {
            return size() > CAPACITY;
        }
    };

    /** What a plan depends on beside the model. */
    public record Key(BatchSignature batch, List<Request<?>> requests, PassOptions options) {}

    /** Models are told apart by identity. */
    private record ModelKey(Model model, Key key) {

        @Override
        public boolean equals(Object other) {
            return other instanceof ModelKey that && model == that.model && key.equals(that.key);
        }

        @Override
        public int hashCode() {
            return 31 * System.identityHashCode(model) + key.hashCode();
        }
    }

    /** The plan for a key, made if it is not there. */
    public Plan get(Model model, Key key, Supplier<Plan> maker) {
        ModelKey modelKey = new ModelKey(model, key);
        synchronized (plans) {
            Plan present = plans.get(modelKey);
            if (present != null) {
                return present;
            }
        }
        Plan made = maker.get();
        synchronized (plans) {
            plans.put(modelKey, made);
        }
        return made;
    }
}
