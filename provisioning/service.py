"""What provisioning adds to a daemon: the card desk at its readers, and phones' links."""

from __future__ import annotations

from flask import Blueprint

from host.plugins import Context
from provisioning.lent import CardDesk
from provisioning.phones import Phones, blueprint


def card_desk(context: Context) -> CardDesk:
    """The borrower of every till's reader."""
    return CardDesk(context.db, context.keyring, context.config.public.card_base)


def public_phones(context: Context) -> Blueprint | None:
    """Phones' links on the public listener, where the manager turned that on."""
    if not context.config.public.phone_links:
        return None
    proxies = context.config.public.trusted_proxies
    return blueprint(Phones(context.db, context.keyring, context.clock, proxies))
