-- A card is edited once more before it cannot be any more, whether it stands behind a token or not.
CREATE INDEX requests_with_card ON requests (card_until) WHERE card_until > 0;
