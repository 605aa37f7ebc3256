// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module.factored;

import io.backpack4j.spi.backend.Backend;
import io.backpack4j.spi.backend.Contractions;
import io.backpack4j.spi.backend.PerSampleProduct;
import io.backpack4j.spi.backend.Products;
import io.backpack4j.spi.tensor.Shape;
import io.backpack4j.spi.tensor.Tensor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;

/** Counts the multiplications of matrix products, and the elements of tiles that are made or consumed. */
final class CountingBackend {

    private final Backend counted;
    private long multiplications;
    private long tiles;

    CountingBackend(Backend backend) {
        Products products = proxy(Products.class, backend.products());
        Contractions contractions = proxy(Contractions.class, backend.contractions());
        this.counted = (Backend) Proxy.newProxyInstance(
                Backend.class.getClassLoader(),
                new Class<?>[] {Backend.class},
                (self, method, arguments) -> switch (method.getName()) {
                    case "products" -> products;
                    case "contractions" -> contractions;
                    default -> invoke(backend, method, arguments);
                });
    }

    Backend backend() {
        return counted;
    }

    void reset() {
        multiplications = 0;
        tiles = 0;
    }

    long multiplications() {
        return multiplications;
    }

    long tiles() {
        return tiles;
    }

    private <T> T proxy(Class<T> type, T operations) {
        return type.cast(
                Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    count(method, arguments);
                    return invoke(operations, method, arguments);
                }));
    }

    private void count(Method method, Object[] arguments) {
        switch (method.getName()) {
            case "multiply" -> {
                Shape a = ((Tensor) arguments[0]).shape();
                Shape destination = ((Tensor) arguments[6]).shape();
                boolean transposed = (boolean) arguments[1];
                multiplications += destination.elements() * a.size(transposed ? -2 : -1);
            }
            case "contract" -> {
                PerSampleProduct product = (PerSampleProduct) arguments[0];
                tiles += product.batch() * product.tile().elements();
            }
            case "consume" -> tiles += ((Tensor) arguments[0]).shape().elements();
            default -> {}
        }
    }

    private static Object invoke(Object target, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(target, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }
}
