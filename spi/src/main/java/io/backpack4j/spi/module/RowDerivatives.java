// SPDX-License-Identifier: Apache-2.0
package io.backpack4j.spi.module;

/**
 * The derivatives of some rows of a parameter.
 *
 * @param rows which
 * @param derivatives of a parameter of the rows' shape
 */
public record RowDerivatives(RowBlock rows, ParameterDerivatives derivatives) {}
