// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.backend.cuda;

import io.backpack4j.spi.backend.Availability;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Skips a test, and says why, where the probe finds no device. */
@Target({ElementType.TYPE, ElementType.METHOD})
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(DeviceRequired.Condition.class)
public @interface DeviceRequired {

    /** Asks the probe. */
    final class Condition implements ExecutionCondition {

        @Override
        public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
            Availability found = new CudaPlugin().backends().get(0).probe();
            return found instanceof Availability.Unavailable missing
                    ? ConditionEvaluationResult.disabled(missing.reason() + " " + missing.remedy())
                    : ConditionEvaluationResult.enabled(((Availability.Available) found).description());
        }
    }
}
