// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.kernel.internal.plan;

import io.backpack4j.kernel.Model;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * Keeps the last plans, so that equal passes are planned once. Safe for threads.
 *
 * @param <K> what a plan depends on beside the model
 * @param <P> the plan
 */
public final class PlanCache<K, P> {

    private static final int CAPACITY = 32;

    private final Map<ModelKey<K>, P> plans = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<ModelKey<K>, P> eldest) {
            return size() > CAPACITY;
        }
    };

    /** Models are told apart by identity. */
    private record ModelKey<K>(Model model, K key) {

        @Override
        public boolean equals(Object other) {
            return other instanceof ModelKey<?> that && model == that.model && key.equals(that.key);
        }

        @Override
        public int hashCode() {
            return 31 * System.identityHashCode(model) + key.hashCode();
        }
    }

    /** The plan for a key, made if it is not there. */
    public P get(Model model, K key, Supplier<P> maker) {
        ModelKey<K> modelKey = new ModelKey<>(model, key);
        synchronized (plans) {
            P present = plans.get(modelKey);
            if (present != null) {
                return present;
            }
        }
        P made = maker.get();
        synchronized (plans) {
            plans.put(modelKey, made);
        }
        return made;
    }
}
