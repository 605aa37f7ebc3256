# SPDX-License-Identifier: Apache-2.0
"""Writes laplace_torch.json: what laplace-torch 0.3 says about two small networks.

Needs torch, backpack-for-pytorch and laplace-torch. Run: python make_laplace_torch.py > laplace_torch.json
"""
import json
import sys

import torch
from laplace import Laplace
from laplace.curvature import BackPackGGN
from torch.utils.data import DataLoader, TensorDataset

torch.set_default_dtype(torch.float64)


def case(likelihood, sizes, prior, sigma, seed):
    torch.manual_seed(seed)
    net = torch.nn.Sequential(
        torch.nn.Linear(sizes[0], sizes[1]), torch.nn.Tanh(), torch.nn.Linear(sizes[1], sizes[2])
    )
    inputs = torch.randn(12, sizes[0])
    targets = torch.randint(0, sizes[2], (12,)) if likelihood == "classification" else torch.randn(12, sizes[2])
    test = torch.randn(4, sizes[0])
    result = {
        "likelihood": likelihood,
        "sizes": sizes,
        "prior_precision": prior,
        "sigma": sigma,
        "parameters": {name: p.detach().flatten().tolist() for name, p in net.named_parameters()},
        "inputs": inputs.flatten().tolist(),
        "targets": targets.flatten().tolist(),
        "test": test.flatten().tolist(),
        "cases": [],
    }
    loader = DataLoader(TensorDataset(inputs, targets), batch_size=5)
    for subset in ("all", "last_layer"):
        for structure in ("diag", "kron", "full"):
            la = Laplace(
                net, likelihood, subset_of_weights=subset, hessian_structure=structure,
                prior_precision=prior, sigma_noise=sigma, backend=BackPackGGN,
            )
            la.fit(loader)
            _, variance = la._glm_predictive_distribution(test)
            entry = {
                "subset": subset,
                "structure": structure,
                "log_marginal_likelihood": la.log_marginal_likelihood().item(),
                "covariance": variance.detach().flatten().tolist(),
            }
            if structure == "kron":
                precision = la.posterior_precision.to_matrix()
            elif structure == "diag":
                precision = torch.diag(la.posterior_precision)
            else:
                precision = la.posterior_precision
            entry["precision_eigenvalues"] = torch.linalg.eigvalsh(precision.detach()).tolist()
            if likelihood == "classification":
                for link in ("probit", "bridge"):
                    entry[link] = la(test, link_approx=link).detach().flatten().tolist()
            result["cases"].append(entry)
    return result


json.dump([case("classification", [4, 5, 3], 0.7, 1.0, 1), case("regression", [3, 6, 2], 1.3, 0.6, 2)], sys.stdout)
