// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.robustness;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.extension.Extension;
import io.backpack4j.spi.loss.GradientSampler;
import io.backpack4j.spi.loss.HessianProduct;
import io.backpack4j.spi.loss.HessianRoot;
import io.backpack4j.spi.loss.Loss;
import io.backpack4j.spi.loss.LossEvaluation;
import io.backpack4j.spi.loss.SuperposedRoot;
import io.backpack4j.spi.module.Block;
import io.backpack4j.spi.module.Contraction;
import io.backpack4j.spi.module.ContractionTask;
import io.backpack4j.spi.module.Curvature;
import io.backpack4j.spi.module.DirectForm;
import io.backpack4j.spi.module.Evaluation;
import io.backpack4j.spi.module.Module;
import io.backpack4j.spi.module.ParameterDerivatives;
import io.backpack4j.spi.module.Pullback;
import io.backpack4j.spi.tensor.Tensor;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Modules, losses, extensions and backends, of which every call may fail. */
final class Faulty {

    /** Descriptions, which are asked for when a plan is made. */
    private static final Set<String> HARMLESS = Set.of(
            "type",
            "declare",
            "positionAxes",
            "takesIntegers",
            "takesAnyType",
            "coupling",
            "validate",
            "validateValues",
            "resultName",
            "stages",
            "name",
            "columns",
            "signals",
            "backend",
            "id",
            "memory",
            "resetPeak",
            "close",
            "samples",
            "toString",
            "hashCode",
            "equals",
            "mixesSamples",
            "degree");

    /** What modules and losses return, whose calls may fail too. */
    private static final List<Class<?>> AGAIN = List.of(
            Evaluation.class,
            Pullback.class,
            Curvature.Factor.class,
            LossEvaluation.class,
            HessianRoot.class,
            SuperposedRoot.class,
            GradientSampler.class,
            HessianProduct.class);

    private final Faults faults;

    Faulty(Faults faults) {
        this.faults = faults;
    }

    Module module(Module module) {
        return (Module) wrap(module);
    }

    Loss loss(Loss loss) {
        return (Loss) wrap(loss);
    }

    @SuppressWarnings("unchecked")
    <R> Extension<R> extension(Extension<R> extension) {
        return (Extension<R>) wrap(extension);
    }

    /** A backend whose operations and scopes may fail. */
    Backend backend(Backend backend) {
        return (Backend) wrap(backend);
    }

    private Object wrap(Object object) {
        return Proxy.newProxyInstance(
                Faulty.class.getClassLoader(), interfaces(object.getClass()), new Handler(object));
    }

    private static Class<?>[] interfaces(Class<?> type) {
        Set<Class<?>> found = new LinkedHashSet<>();
        for (Class<?> at = type; at != null; at = at.getSuperclass()) {
            for (Class<?> each : at.getInterfaces()) {
                if (java.lang.reflect.Modifier.isPublic(each.getModifiers())) {
                    found.add(each);
                } else {
                    found.addAll(List.of(interfaces(each)));
                }
            }
        }
        return found.toArray(Class<?>[]::new);
    }

    private final class Handler implements InvocationHandler {

        private final Object object;

        Handler(Object object) {
            this.object = object;
        }

        @Override
        public @Nullable Object invoke(Object proxy, Method method, @Nullable Object @Nullable [] arguments)
                throws Throwable {
            if (method.getName().equals("equals") && arguments != null) {
                return object.equals(unwrapped(arguments[0]));
            }
            boolean harmless = HARMLESS.contains(method.getName()) || isGroup(method);
            if (!harmless) {
                faults.call(method.getDeclaringClass().getSimpleName());
            }
            Object result;
            try {
                method.setAccessible(true);
                result = method.invoke(object, arguments);
            } catch (InvocationTargetException e) {
                throw e.getCause();
            }
            if (result instanceof Backend && !(object instanceof Backend)) {
                return result;
            }
            return harmless && !isGroup(method) ? result : faulty(result);
        }

        /** The groups of operations of a backend. */
        private boolean isGroup(Method method) {
            return object instanceof Backend
                    && method.getReturnType().isInterface()
                    && method.getParameterCount() == 0
                    && !method.getName().equals("openScope");
        }

        private @Nullable Object faulty(@Nullable Object result) {
            if (result instanceof Tensor tensor) {
                return faults.returned(tensor);
            }
            if (result instanceof ParameterDerivatives derivatives) {
                return new FaultyDerivatives(derivatives);
            }
            if (result instanceof Optional<?> optional) {
                return optional.map(this::faulty);
            }
            boolean again = result != null
                    && (object instanceof Backend || AGAIN.stream().anyMatch(type -> type.isInstance(result)));
            return again && result != null ? wrap(result) : result;
        }
    }

    private static @Nullable Object unwrapped(@Nullable Object other) {
        return other != null
                        && Proxy.isProxyClass(other.getClass())
                        && Proxy.getInvocationHandler(other) instanceof Handler handler
                ? handler.object
                : other;
    }

    /** Every contraction may fail. */
    private final class FaultyDerivatives extends ParameterDerivatives {

        private final ParameterDerivatives derivatives;

        FaultyDerivatives(ParameterDerivatives derivatives) {
            super(
                    derivatives.backend(),
                    derivatives.parameter(),
                    derivatives.dtype(),
                    derivatives.columns(),
                    derivatives.samples());
            this.derivatives = derivatives;
        }

        @Override
        public void perSample(Block block, Tensor destination) {
            strike();
            derivatives.perSample(block, destination);
        }

        @Override
        protected Optional<DirectForm> directForm(Contraction contraction) {
            return Optional.of(DirectForm.adding(this::compute));
        }

        private void compute(ContractionTask task) {
            strike();
            derivatives.execute(
                    List.of(new ContractionTask(task.contraction(), task.destinations(), task.operand(), true)));
        }

        private void strike() {
            try {
                faults.call(ParameterDerivatives.class.getSimpleName());
            } catch (RuntimeException | Error e) {
                throw e;
            } catch (Throwable e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
