// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.it.seams;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** Derivatives of a mean squared error by one parameter, by differences of a network that is written as a formula. */
final class DifferenceOracle {

    /** A network as a function: parameters to outputs {@code [N][E]}. */
    interface Network extends Function<Map<String, double[]>, double[][]> {}

    private final Network network;
    private final Map<String, double[]> parameters;
    private final String name;
    private final double[][] targets;
    private final int samples;
    private final int outputs;
    private final double scale;

    DifferenceOracle(Network network, Map<String, double[]> parameters, String name, double[][] targets) {
        this.network = network;
        this.parameters = parameters;
        this.name = name;
        this.targets = targets;
        this.samples = targets.length;
        this.outputs = targets[0].length;
        this.scale = 1.0 / (samples * outputs);
    }

    String name() {
        return name;
    }

    int size() {
        return parameters.get(name).length;
    }

    private double[][] moved(double... steps) {
        double[] numbers = parameters.get(name).clone();
        for (int i = 0; i < steps.length; i += 2) {
            numbers[(int) steps[i]] += steps[i + 1];
        }
        Map<String, double[]> all = new LinkedHashMap<>(parameters);
        all.put(name, numbers);
        return network.apply(all);
    }

    private double loss(double... steps) {
        double[][] predicted = moved(steps);
        double sum = 0;
        for (int n = 0; n < samples; n++) {
            for (int e = 0; e < outputs; e++) {
                double difference = predicted[n][e] - targets[n][e];
                sum += scale * difference * difference;
            }
        }
        return sum;
    }

    /** {@code [N][E][P]}, of fourth order in the step. */
    double[][][] jacobian() {
        double h = 1e-3;
        double[][][] jacobian = new double[samples][outputs][size()];
        for (int p = 0; p < size(); p++) {
            double[][] far = moved(p, 2 * h);
            double[][] near = moved(p, h);
            double[][] before = moved(p, -h);
            double[][] farBefore = moved(p, -2 * h);
            for (int n = 0; n < samples; n++) {
                for (int e = 0; e < outputs; e++) {
                    jacobian[n][e][p] = (8 * (near[n][e] - before[n][e]) - (far[n][e] - farBefore[n][e])) / (12 * h);
                }
            }
        }
        return jacobian;
    }

    /** {@code [N][P]}. */
    double[][] gradients() {
        double[][][] jacobian = jacobian();
        double[][] predicted = moved();
        double[][] gradients = new double[samples][size()];
        for (int n = 0; n < samples; n++) {
            for (int e = 0; e < outputs; e++) {
                for (int p = 0; p < size(); p++) {
                    gradients[n][p] += 2 * scale * (predicted[n][e] - targets[n][e]) * jacobian[n][e][p];
                }
            }
        }
        return gradients;
    }

    /** Per sample {@code [N][P · P]}. */
    double[][] gaussNewtons() {
        double[][][] jacobian = jacobian();
        double[][] matrices = new double[samples][size() * size()];
        for (int n = 0; n < samples; n++) {
            for (int e = 0; e < outputs; e++) {
                for (int p = 0; p < size(); p++) {
                    for (int q = 0; q < size(); q++) {
                        matrices[n][p * size() + q] += 2 * scale * jacobian[n][e][p] * jacobian[n][e][q];
                    }
                }
            }
        }
        return matrices;
    }

    double[] hessian() {
        double h = 1e-3;
        double[] hessian = new double[size() * size()];
        for (int p = 0; p < size(); p++) {
            for (int q = 0; q < size(); q++) {
                hessian[p * size() + q] = (4 * mixed(p, q, h) - mixed(p, q, 2 * h)) / 3;
            }
        }
        return hessian;
    }

    private double mixed(int p, int q, double h) {
        return (loss(p, h, q, h) - loss(p, h, q, -h) - loss(p, -h, q, h) + loss(p, -h, q, -h)) / (4 * h * h);
    }
}
